/**
 * A person changes the reserved folder during an append. The server continues, loses and duplicates no byte, and leaves
 * nothing behind.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { randomBytes } from "../fixture/bytes.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { goByPath } from "../fixture/second-process.ts";
import { temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { Cluster, expectEnd, type Server } from "../processes/cluster.ts";

const BYTES = randomBytes(300_000, 12);

/** Number of bytes that are appended before the change. */
const BEFORE = 100_000;

/** A change of the reserved folder; `refused` is the status of new appends until it is undone. */
interface Edit {
  readonly apply: (reserved: string) => void | Promise<void>;
  readonly refused?: number;
}

const EDITS: Record<string, Edit> = {
  "the sessions": { apply: (reserved) => remove(join(reserved, "sessions")) },
  "the session's file": { apply: (reserved) => filesIn(reserved, "sessions").forEach(remove) },
  "the session's file, leaving garbage": {
    apply: (reserved) => {
      for (const file of filesIn(reserved, "sessions")) writeFileSync(file, "{{{");
    },
  },
  "the session's file, leaving a folder": {
    apply: (reserved) => {
      for (const file of filesIn(reserved, "sessions")) {
        remove(file);
        mkdirSync(join(file, "deep"), { recursive: true });
      }
    },
  },
  "the session's file, leaving a link": {
    apply: (reserved) => {
      for (const file of filesIn(reserved, "sessions")) {
        remove(file);
        symlinkSync(join(dirname(file), "elsewhere"), file);
      }
    },
  },
  "the claims": {
    apply: async (reserved) => {
      await goByPath(dirname(reserved));
      remove(join(reserved, "entries"));
    },
  },
  "the leases": { apply: (reserved) => remove(join(reserved, "leases")) },
  "the leases, leaving a file": {
    apply: (reserved) => {
      remove(join(reserved, "leases"));
      writeFileSync(join(reserved, "leases"), "a file");
    },
  },
  "the link that keeps earlier versions out": { apply: (reserved) => remove(join(reserved, "claims")) },
  "the signs of life": { apply: (reserved) => remove(join(reserved, "servers")) },
  "the temporary files": { apply: (reserved) => remove(join(reserved, "temporary")) },
  "the whole reserved folder": { apply: (reserved) => remove(moveOut(reserved)) },
  "the whole reserved folder, leaving a file": {
    apply: (reserved) => {
      const removed = moveOut(reserved);
      writeFileSync(reserved, "a file");
      remove(removed);
    },
    refused: 409,
  },
};

/** Selects the cases for all runtimes: runtimes may report file system errors in different ways. */
const DIFFERS = /leaving a/;

for (const runtime of RUNTIMES) {
  describe(`removed during an append (${runtime})`, { concurrency: 3 }, () => {
    for (const [what, edit] of Object.entries(EDITS).filter(([name]) => runtime === "node" || DIFFERS.test(name))) {
      test(what, { timeout: 90_000 }, () => withCluster(runtime, (cluster) => survive(cluster, edit)));
    }

    test("the session's file, then kill -9: the session is gone, the bytes are not", { timeout: 90_000 }, () =>
      withCluster(runtime, async (cluster) => {
        const server = await cluster.start();
        const { peer, session } = await server.append("a.bin");
        await peer.send(BYTES.subarray(0, BEFORE));
        await peer.acked(BEFORE);
        filesIn(join(cluster.root, ".httpfstream"), "sessions").forEach(remove);
        await server.process.kill9();
        const again = await cluster.start();
        assert.equal(await again.status(`/a.bin?verb=APPEND&session=${session}`), 410);
        const next = await again.append("a.bin", `offset=${BEFORE}`);
        assert.equal(await next.peer.finish(), BEFORE);
        assert.ok(cluster.file("a.bin").equals(BYTES.subarray(0, BEFORE)));
      }),
    );
  });
}

async function survive(cluster: Cluster, { apply, refused }: Edit): Promise<void> {
  const reserved = join(cluster.root, ".httpfstream");
  const server = await cluster.start();
  const first = await server.append("a.bin");
  const follower = await server.follow("a.bin");
  await first.peer.send(BYTES.subarray(0, BEFORE));
  await first.peer.acked(BEFORE);
  await apply(reserved);
  await first.peer.send(BYTES.subarray(BEFORE, 2 * BEFORE));
  await first.peer.acked(2 * BEFORE);
  assert.equal(await server.status("/a.bin?verb=APPEND"), 403, "the path is still taken");
  first.peer.peer.connection.drop();
  const { peer, offset } = await server.resume("a.bin", first.session);
  assert.equal(offset, 2 * BEFORE);
  await peer.send(BYTES.subarray(offset));
  assert.equal(await peer.finish(), BYTES.length);
  await expectEnd(follower, BYTES, "complete");
  assert.ok(cluster.file("a.bin").equals(BYTES));
  if (refused !== undefined) {
    assert.equal(await server.status("/b.bin?verb=APPEND"), refused);
    unlinkSync(reserved);
  }
  const other = await server.append("b.bin");
  await other.peer.send("as ever");
  assert.equal(await other.peer.finish(), 7);
  await expectCalm(cluster, server);
}

/** Expects that the server did not crash, and that nothing is left in the reserved folder after a restart. */
async function expectCalm(cluster: Cluster, server: Server): Promise<void> {
  assert.doesNotMatch(server.process.program.output, /^ {4}at .*/m, "the server printed a stack trace");
  assert.deepEqual(await server.process.program.stop(), { code: 0, signal: null });
  const again = await cluster.start();
  assert.equal(await (await again.append("a.bin", `offset=${BYTES.length}`)).peer.finish(), BYTES.length);
  await until("nothing to be left", () => cluster.reserved().length === 0).catch((error: Error) => {
    throw new Error(`${error.message}: ${cluster.reserved().join(" ")}`);
  });
}

async function withCluster(runtime: Runtime, run: (cluster: Cluster) => Promise<void>): Promise<void> {
  const cluster = new Cluster(await temporaryFolder("live"), runtime);
  try {
    await run(cluster);
  } finally {
    await cluster.dispose();
  }
}

function filesIn(reserved: string, folder: string): string[] {
  const names = readdirSync(join(reserved, folder));
  assert.ok(names.length > 0, `${folder} is empty`);
  return names.map((name) => join(reserved, folder, name));
}

/** Takes the folder away in one go, since the server makes its parts again while they are removed. */
function moveOut(reserved: string): string {
  const removed = `${dirname(reserved)}.removed`;
  renameSync(reserved, removed);
  return removed;
}

function remove(file: string): void {
  rmSync(file, { recursive: true });
}
