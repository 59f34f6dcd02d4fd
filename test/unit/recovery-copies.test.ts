/** What a journal has for a file that takeovers have replaced by copies. */
import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Owner } from "../../src/stores/file/claims/owner.ts";
import { encodeOwner, encodeRecord } from "../../src/stores/file/journal/record.ts";
import { Recovery } from "../../src/stores/file/journal/recovery.ts";
import { reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { OtherProcess } from "../fixture/other-process.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

interface Place {
  readonly file: string;
  readonly recovery: Recovery;
  /** Leaves bytes in the journal of a process that has gone, for the file that had the stats. */
  journal(former: Stats, text: string): void;
  /** Replaces the file by a copy. Returns the stats of both. */
  replace(): [Stats, Stats];
}

function recoveryTest(what: string, run: (at: Place) => Promise<void>): void {
  test(what, { timeout: 20_000 }, async () => {
    const root = realpathSync(await temporaryFolder("copies"));
    const reserved = reservedIn(root);
    const file = join(root, "a.txt");
    writeFileSync(file, "one ");
    mkdirSync(reserved.journal, { recursive: true });
    let copies = 0;
    try {
      await run({
        file,
        recovery: new Recovery(root, reserved, new Owner(reserved)),
        journal({ ino, birthtimeMs }, text) {
          const place = { name: "a.txt", inode: ino, bornMs: birthtimeMs };
          const record = encodeRecord({ file: place, offset: 4, bytes: Buffer.from(text), keptMs: 1 });
          const { record: owner } = new OtherProcess(root);
          writeFileSync(join(reserved.journal, owner.id), Buffer.concat([encodeOwner(owner), ...record]));
        },
        replace() {
          const former = statSync(file);
          // Kept under other names, so that no inode is used again.
          renameSync(file, `${file}-${++copies}`);
          copyFileSync(`${file}-${copies}`, file);
          return [former, statSync(file)];
        },
      });
    } finally {
      await removeFolder(root);
    }
  });
}

recoveryTest("it belongs to the copy, and to a copy of that", async ({ file, recovery, journal, replace }) => {
  const [first, second] = replace();
  recovery.copied("a.txt", first, second);
  journal(first, "two ");
  await recovery.again();
  assert.equal(readFileSync(file, "utf8"), "one two ");
  recovery.copied("a.txt", ...replace());
  journal(second, "two three ");
  await recovery.again();
  assert.equal(readFileSync(file, "utf8"), "one two three ");
  journal(first, "two three four");
  await recovery.again();
  assert.equal(readFileSync(file, "utf8"), "one two three four");
});

recoveryTest("it does not belong to a file that has come later", async ({ file, recovery, journal, replace }) => {
  const [first, second] = replace();
  recovery.copied("a.txt", first, second);
  const [, third] = replace();
  journal(first, "two ");
  await recovery.again();
  assert.equal(readFileSync(file, "utf8"), "one ");
  const [, fourth] = replace();
  recovery.copied("a.txt", third, fourth);
  journal(first, "two ");
  await recovery.again();
  assert.equal(readFileSync(file, "utf8"), "one ", "nor to a copy of that");
  journal(third, "two ");
  await recovery.again();
  assert.equal(readFileSync(file, "utf8"), "one two ");
});

recoveryTest("it does not belong to a file with the same inode that was born later", async (at) => {
  const [first, second] = at.replace();
  // Known, because it differs from the time of the last change.
  const birthtimeMs = first.ctimeMs - 5_000;
  at.recovery.copied("a.txt", Object.assign(first, { birthtimeMs }), second);
  at.journal({ ...first, birthtimeMs: birthtimeMs - 1_000 } as Stats, "two ");
  await at.recovery.again();
  assert.equal(readFileSync(at.file, "utf8"), "one ");
});
