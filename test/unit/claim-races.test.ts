/** What other processes do at the moment of a claim. */
import assert from "node:assert/strict";
import fs, { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { Claim } from "../../src/stores/file/claims/claim.ts";
import type { OwnedClaim } from "../../src/stores/file/claims/owner.ts";
import { replaceByCopy } from "../../src/stores/file/claims/replace.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { type ClaimPlace, claimTest, PATH } from "../fixture/claims.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { OtherProcess } from "../fixture/other-process.ts";

/** The store's own folders. Calls a function before this process looks for requests, or writes a file. */
function watched({ reserved }: ClaimPlace, before: { looking?: () => void; writing?: () => void }) {
  return {
    ...reserved,
    get handovers(): string {
      before.looking?.();
      return reserved.handovers;
    },
    get temporary(): string {
      before.writing?.();
      return reserved.temporary;
    },
  };
}

/** Claims the path while another process enters each time that this one does, and backs off, too, `rounds` times. */
async function contend(at: ClaimPlace, rounds: number): Promise<{ claim: Claim | undefined; rounds: number }> {
  const rival = new OtherProcess(at.root);
  let entered = 0;
  let isIn = false;
  let owned: OwnedClaim | undefined;
  const { begin } = at.owner;
  at.owner.begin = (claim) => {
    owned = claim;
    return begin.call(at.owner, claim);
  };
  const looking = (): void => {
    if (isIn) rival.release(PATH);
    isIn = false;
  };
  const writing = (): void => {
    // A pause of this process ends here.
    owned?.verify();
    if (isIn || entered === rounds) return;
    isIn = true;
    entered++;
    rival.claim(PATH);
  };
  const reserved = watched(at, { looking, writing });
  const claim = await at.take({ reserved }).catch(async (error: unknown) => {
    await rejectsWith(Promise.reject(error), "conflict");
    return undefined;
  });
  return { claim, rounds: entered };
}

claimTest("two processes that enter at the same moment both back off, until one of them comes first", async (at) => {
  const { claim } = await contend(at, 3);
  assert.ok(claim);
  assert.equal(at.names().length, 1);
  assert.equal(claim.revoked.aborted, false);
  assert.ok(claim.isOurs(true));
});

claimTest("a process that never comes first gives up", async (at) => {
  const { claim, rounds } = await contend(at, 1_000);
  assert.equal(claim, undefined);
  assert.ok(rounds > 3 && rounds < 1_000);
  assert.equal(at.names().length, 1, "the other one's entry");
  assert.ok(!Claim.isClaimed(at.file));
});

claimTest("a path that is taken is refused before anything is written for it", async (at) => {
  new OtherProcess(at.root).claim(PATH);
  const writing = (): void => assert.fail("it is written to");
  await rejectsWith(at.take({ reserved: watched(at, { writing }) }), "conflict");
});

claimTest("an entry that was moved away before this process looks again is made again", async (at) => {
  let isMoved = false;
  const claim = await at.take({
    get owner() {
      // Another process takes the path over, and is gone again.
      if (!isMoved && at.names().length > 0) {
        isMoved = true;
        rmSync(at.moveAway().replace(/([^/]+)$/, "away-$1"));
      }
      return at.owner;
    },
  });
  assert.ok(isMoved);
  assert.equal(at.names().length, 1);
  assert.ok(claim.isOurs(true));
});

/** Leaves the claim of a process that has fallen silent. */
async function silent({ root, silence }: ClaimPlace): Promise<{ other: OtherProcess; entry: string }> {
  const other = new OtherProcess(root);
  const entry = other.claim(PATH);
  await silence(10_000, other);
  return { other, entry };
}

claimTest("a process whose own entry was moved away does not move others away", async (at) => {
  const { entry } = await silent(at);
  const check = async (): Promise<void> => void at.moveAway();
  await rejectsWith(at.take({ check }), "conflict");
  assert.ok(at.names().includes(entry));
});

claimTest("a silent process that wakes up while its entry is moved away keeps its path", async (at) => {
  const { other, entry } = await silent(at);
  const { ino } = statSync(at.file);
  const { look } = at.owner.signs;
  at.owner.signs.look = (sign) => {
    if (at.names().includes(`away-${entry}`)) other.beat();
    return look.call(at.owner.signs, sign);
  };
  await rejectsWith(at.take(), "conflict");
  assert.deepEqual(at.names(), [entry]);
  assert.equal(statSync(at.file).ino, ino);
});

claimTest("a silent process that wakes up and releases its path leaves it free", async (at) => {
  const { other } = await silent(at);
  const { ino } = statSync(at.file);
  let calls = 0;
  const check = async (): Promise<void> => {
    if (++calls === 1) other.release(PATH);
  };
  const claim = await at.take({ check });
  assert.deepEqual([claim.isInherited, claim.wasSilent], [true, false]);
  assert.equal(statSync(at.file).ino, ino);
});

claimTest("an entry that cannot be moved away fails the claim", async (at) => {
  const { other } = await silent(at);
  const check = async (): Promise<void> => {
    rmSync(other.folder(PATH), { recursive: true });
    writeFileSync(other.folder(PATH), "a file");
  };
  await assert.rejects(at.take({ check }));
  rmSync(other.folder(PATH));
});

claimTest("a process that loses its path while it copies the file does not replace it", async (at) => {
  const { entry } = await silent(at);
  const { ino } = statSync(at.file);
  const writing = (): void => {
    const names = at.names();
    if (names.includes(`away-${entry}`) && names.some((name) => name.startsWith("2-"))) at.moveAway();
  };
  await rejectsWith(at.take({ reserved: watched(at, { writing }) }), "conflict");
  assert.equal(statSync(at.file).ino, ino);
  assert.ok(at.names().includes(`away-${entry}`), "the next one finishes it");
});

claimTest("a copy leaves no file open, and a folder is not copied", async ({ root, reserved, file }) => {
  await replaceByCopy(reserved, file);
  assert.equal(readFileSync(file, "utf8"), "before");
  const folder = join(root, "folder");
  mkdirSync(folder);
  const { ino } = statSync(folder);
  await replaceByCopy(reserved, folder);
  assert.equal(statSync(folder).ino, ino);
  if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(root), []);
});

claimTest(
  "a link that takes the file's name while it is copied is not followed",
  async ({ root, reserved, file }) => {
    const secret = `${root}-secret`;
    writeFileSync(secret, "secret");
    const { link } = fs.promises;
    fs.promises.link = async (from, to) => {
      await link(from, to);
      renameSync(file, `${file}.old`);
      symlinkSync(secret, file);
    };
    syncBuiltinESMExports();
    try {
      await replaceByCopy(reserved, file);
    } finally {
      fs.promises.link = link;
      syncBuiltinESMExports();
      rmSync(secret);
    }
    assert.equal(readFileSync(file, "utf8"), "before");
  },
  { skip: NO_DESCRIPTORS ?? false },
);
