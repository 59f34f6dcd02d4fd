/** Changes of small files by an owner that is fenced off right before the change. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fenceOff } from "../../src/stores/file/reserved/fenced-file.ts";
import { type Reserved, reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { FileSessions } from "../../src/stores/file/sessions.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const recordOf = (seed: string, path = "a.txt") => ({ path, digest: seed.repeat(64) });

function fenceTest(what: string, run: (reserved: Reserved, sessions: FileSessions) => Promise<void>): void {
  test(what, async () => {
    const root = realpathSync(await temporaryFolder("fence"));
    try {
      const reserved = reservedIn(root);
      await run(reserved, new FileSessions(reserved, false));
      assert.deepEqual(existsSync(reserved.temporary) ? readdirSync(reserved.temporary) : [], [], "nothing is left");
    } finally {
      await removeFolder(root);
    }
  });
}

/** The claim of a process that is suspended right after it has found that it has the path, and wakes up later. */
function sleeper(whileAsleep: () => void): { readonly epoch: number; isOurs(): boolean } {
  let looks = 0;
  return {
    epoch: 1,
    isOurs() {
      if (looks++ > 0) return false;
      whileAsleep();
      return true;
    },
  };
}

fenceTest("a save after a takeover does not replace the record of the successor", async (reserved, sessions) => {
  const file = join(reserved.sessions, String(await fileOf(reserved, sessions)));
  const takeOver = (): void => {
    fenceOff(reserved, "a.txt");
    writeFileSync(file, JSON.stringify(recordOf("2")));
  };
  await sessions.save(recordOf("1"), sleeper(takeOver));
  assert.deepEqual(await sessions.find("a.txt"), recordOf("2"));
});

fenceTest("a removal after a takeover leaves the record of the successor", async (reserved, sessions) => {
  const file = join(reserved.sessions, String(await fileOf(reserved, sessions)));
  const takeOver = (): void => {
    fenceOff(reserved, "a.txt");
    writeFileSync(file, JSON.stringify(recordOf("2")));
  };
  await sessions.remove("a.txt", sleeper(takeOver));
  assert.deepEqual(await sessions.find("a.txt"), recordOf("2"));
  assert.match(readFileSync(file, "utf8"), /2222/);
});

fenceTest("a fence concerns one path only, and a process that was not fenced off", async (reserved, sessions) => {
  await sessions.save(
    recordOf("1"),
    sleeper(() => fenceOff(reserved, "b.txt")),
  );
  assert.deepEqual(await sessions.find("a.txt"), recordOf("1"));
  await sessions.remove(
    "a.txt",
    sleeper(() => fenceOff(reserved, "b.txt")),
  );
  assert.equal(await sessions.find("a.txt"), undefined);
  await sessions.remove(
    "a.txt",
    sleeper(() => {}),
  );
});

fenceTest("a fence removes what a process has left that died during a removal", async (reserved) => {
  fenceOff(reserved, "a.txt");
  const sessions = new FileSessions(reserved, false);
  await sessions.save(recordOf("1"));
  let name = "";
  await sessions.remove("a.txt", {
    epoch: 1,
    isOurs: () => {
      [name = ""] = readdirSync(reserved.temporary);
      return true;
    },
  });
  mkdirSync(join(reserved.temporary, name));
  writeFileSync(join(reserved.temporary, name, "removed"), "");
  fenceOff(reserved, "a.txt");
});

/** Saves a session, and returns the name of its file. */
async function fileOf(reserved: Reserved, sessions: FileSessions): Promise<string | undefined> {
  await sessions.save(recordOf("0"));
  return readdirSync(reserved.sessions)[0];
}
