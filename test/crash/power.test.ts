/** A power cut during many appends at the level `disk`: acknowledged bytes survive, and every append continues. */
import assert from "node:assert/strict";
import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { randomBytes } from "../fixture/bytes.ts";
import { CrashingDisk, noCrashingDisk } from "../fixture/crashing-disk.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { type Appending, Cluster, type Server } from "../processes/cluster.ts";

const PATHS = Array.from({ length: 16 }, (_, at) => `deep/${at % 4}/${at}.bin`);
const BYTES = randomBytes(1_000_000, 3);
const DISK = ["--durability", "disk", "--limit", "storeFreeBytes=0"];
const skip = await noCrashingDisk();

/** Appends pieces until the connection breaks; each piece waits for the acknowledgement of the one before it. */
class Pieces {
  acked = 0;
  readonly broken: Promise<void>;
  readonly #enough: () => void;

  /** @param enough Called once eight pieces are acknowledged, or when the connection breaks. */
  constructor({ peer }: Appending, pieceBytes: number, enough: () => void) {
    this.#enough = enough;
    this.broken = this.#append(peer, pieceBytes);
  }

  async #append(peer: Appending["peer"], pieceBytes: number): Promise<void> {
    try {
      // The rest is appended after the resume.
      for (let count = 1; this.acked + pieceBytes < BYTES.length; count++) {
        const next = this.acked + pieceBytes;
        await peer.send(BYTES.subarray(this.acked, next));
        await peer.acked(next);
        this.acked = next;
        if (count === 8) this.#enough();
      }
    } catch {
      // The server was killed.
      this.#enough();
    }
  }
}

/** A disk, and a cluster on it. */
interface Machine {
  readonly disk: CrashingDisk;
  readonly cluster: Cluster;
}

/** Runs with a machine. The callback's `cut` cuts the power, and returns a new machine with what is on the disk. */
async function withMachines(
  runtime: Runtime,
  run: (machine: Machine, cut: () => Promise<Machine>) => Promise<void>,
): Promise<void> {
  const machines: Machine[] = [];
  const add = (disk: CrashingDisk): Machine => {
    const machine = { disk, cluster: new Cluster(disk.folder, runtime) };
    machines.push(machine);
    return machine;
  };
  try {
    const first = add(await CrashingDisk.make());
    await run(first, async () => add(await first.disk.cut()));
  } finally {
    for (const { cluster, disk } of machines) {
      await cluster.dispose();
      await disk.remove();
    }
  }
}

/** Expires all signs of life: a system takes longer to start than a sign of life is valid. */
async function ageSigns(root: string): Promise<void> {
  const servers = join(root, ".httpfstream", "servers");
  for (const name of await readdir(servers)) await utimes(join(servers, name), 0, 0);
}

async function goOn(server: Server, path: string, session: string, acked: number): Promise<void> {
  const { peer, offset } = await server.resume(path, session);
  assert.ok(offset >= acked, `${path} has ${offset} bytes of ${acked} that were acknowledged`);
  await peer.send(BYTES.subarray(offset));
  assert.equal(await peer.finish(), BYTES.length);
}

async function cutPower(runtime: Runtime): Promise<void> {
  await withMachines(runtime, async (before, cut) => {
    const first = await before.cluster.start({}, { args: DISK });
    assert.equal((await first.send("/posted.bin?verb=APPEND", "POST", "posted")).status, 200);
    const ended = await first.append("ended.bin");
    await ended.peer.send("ended");
    assert.equal(await ended.peer.finish(), 5);
    const appends = await Promise.all(PATHS.map((path) => first.append(path)));
    const pieces: Pieces[] = [];
    await Promise.all(
      // Small pieces share flushes, large ones do not.
      appends.map(
        (append, at) =>
          new Promise<void>((enough) => {
            pieces.push(new Pieces(append, at % 4 === 3 ? 70_000 : 500, enough));
          }),
      ),
    );
    await first.process.kill9();
    const { disk, cluster } = await cut();
    await ageSigns(cluster.root);
    await Promise.all(pieces.map(({ broken }) => broken));

    const second = await cluster.start({}, { args: DISK, through: disk.afterStart });
    assert.equal(cluster.file("posted.bin").toString(), "posted");
    assert.equal(cluster.file("ended.bin").toString(), "ended");
    await Promise.all(
      PATHS.map((path, at) => goOn(second, path, String(appends[at]?.session), pieces[at]?.acked ?? 0)),
    );
    for (const path of PATHS) assert.ok(cluster.file(path).equals(BYTES), `${path} is not what was appended`);
    assert.deepEqual(await second.process.program.stop(), { code: 0, signal: null });
    assert.deepEqual(cluster.reserved(), []);
  });
}

for (const runtime of RUNTIMES) {
  test(`a power cut in the middle of many appends (${runtime})`, { timeout: 120_000, skip: skip ?? false }, () =>
    cutPower(runtime),
  );
}
