/** Opening a file for appending that others create and remove meanwhile, or that this process may not read. */
import assert from "node:assert/strict";
import fs, { chmodSync, chownSync, constants, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openToAppend } from "../../src/stores/file/files/open.ts";
import { writeAll } from "../../src/stores/file/files/transfer.ts";
import { systemError } from "../fixture/open-files.ts";
import { asOrdinaryUser, NO_PERMISSIONS } from "../fixture/privileges.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

async function rootOf(t: TestContext): Promise<string> {
  const root = realpathSync(await temporaryFolder("open"));
  t.after(() => removeFolder(root));
  return root;
}

/** Until the test ends, the first `count` attempts at creating a file fail, and it is never there to be opened. */
function failToCreate(t: TestContext, count: number, code: string): { attempts: number } {
  const seen = { attempts: 0 };
  const { openSync } = fs;
  const openNow = (file: string, flags: number, mode?: number): number => {
    if ((flags & constants.O_DIRECTORY) !== 0) return openSync(file, flags);
    if ((flags & constants.O_EXCL) === 0) throw systemError("ENOENT");
    if (++seen.attempts <= count) throw systemError(code);
    return openSync(file, flags, mode);
  };
  t.mock.method(fs, "openSync", openNow);
  // After a slow call, the store uses this one for a while.
  t.mock.method(
    fs,
    "open",
    (...[file, flags, mode, done]: [string, number, number?, ((...of: unknown[]) => void)?]) => {
      try {
        done?.(null, openNow(file, flags, mode));
      } catch (error) {
        done?.(error);
      }
    },
  );
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return seen;
}

for (const [what, count, code, attempts] of [
  ["is tried four times", 3, "EEXIST", 4],
  ["is given up after four attempts", 4, "EEXIST", 4],
  ["is not tried again if it fails otherwise", 1, "ENOSPC", 1],
] as const) {
  test(`the creation of a file that others create and remove ${what}`, async (t) => {
    const root = await rootOf(t);
    const seen = failToCreate(t, count, code);
    let created = 0;
    const onCreate = (): void => void created++;
    const opening = openToAppend({ root, file: join(root, "a.txt"), path: "a.txt", onCreate }, true);
    if (count < attempts) {
      const { opened, isNew } = await opening;
      await opened.close();
      assert.ok(isNew);
    } else await assert.rejects(opening, { code });
    assert.deepEqual([seen.attempts, created], [attempts, attempts]);
  });
}

test("a file that can be written to but not read", { skip: NO_PERMISSIONS ?? false }, async (t) => {
  const root = await rootOf(t);
  const file = join(root, "a.txt");
  chmodSync(root, 0o755);
  for (const [name, mode] of [
    ["a.txt", 0o222],
    ["b.txt", 0o444],
  ] as const) {
    writeFileSync(join(root, name), "one ");
    chmodSync(join(root, name), mode);
    if (process.getuid?.() === 0) chownSync(join(root, name), 65_534, 65_534);
  }
  const opening = (name: string) =>
    openToAppend({ root, file: join(root, name), path: name, onCreate: assert.fail }, true);
  const { opened, isNew, readable } = await asOrdinaryUser(() => opening("a.txt"));
  await writeAll(opened, Buffer.from("two"));
  await opened.close();
  assert.deepEqual([isNew, readable], [false, false]);
  await assert.rejects(
    asOrdinaryUser(() => opening("b.txt")),
    { code: "EACCES" },
  );
  chmodSync(file, 0o644);
  assert.equal(readFileSync(file, "utf8"), "one two");
});
