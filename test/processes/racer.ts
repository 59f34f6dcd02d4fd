/**
 * A process that claims paths of a root repeatedly, in competition with other processes: `racer.ts ROOT ROUNDS SEED`.
 *
 * The owner of a path creates a file beside the root with an exclusive open, which fails if the path has another owner.
 * There are few paths, so that the processes collide often, and each process runs several claims at once. Prints
 * `won N` at the end, or the error.
 * @module
 */
import { closeSync, openSync, unlinkSync } from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { StreamError } from "../../src/protocol/errors.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { prng } from "../fixture/bytes.ts";

/** The paths that all processes claim. */
const PATHS = ["a", "b", "c"];

/** Concurrent claims per process. */
const LANES = 2;

const [root = "", rounds = "0", seed = "0"] = process.argv.slice(2);
const random = prng(Number(seed));
const store = fileStore({ root });
let won = 0;

async function round(): Promise<void> {
  const path = PATHS[Math.floor(random() * PATHS.length)] as string;
  const handle = await store.claim(path).catch((error: unknown) => {
    if (error instanceof StreamError && error.code === "conflict") return undefined;
    throw error;
  });
  if (!handle) return sleep(random() * 4);
  const mark = `${root}.${path}.mine`;
  closeSync(openSync(mark, "wx"));
  await handle.append(Buffer.from("x"));
  if (random() < 0.5) await sleep(random() * 3);
  await handle.append(Buffer.from("y"));
  unlinkSync(mark);
  won++;
  await handle.release("complete");
}

async function lane(): Promise<void> {
  for (let count = 0; count < Number(rounds); count++) {
    await round();
    // A server does this when it starts; it must not disturb other processes.
    if (count % 25 === 0) await store.tidy?.();
  }
}

try {
  await Promise.all(Array.from({ length: LANES }, lane));
  console.log(`won ${won}`);
} catch (error) {
  console.log(error);
  process.exitCode = 1;
}
