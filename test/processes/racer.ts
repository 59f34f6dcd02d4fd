/**
 * A process that claims paths of a root again and again, against others that do the same: `racer.ts ROOT ROUNDS SEED`.
 *
 * Whoever has a path makes a file beside the root that only one can have. Paths are few, so that processes meet; one
 * that has several at once begins and ends claims all the time. Prints `won N` at the end, or what is wrong.
 * @module
 */
import { closeSync, openSync, unlinkSync } from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { StreamError } from "../../src/protocol/errors.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { prng } from "../fixture/bytes.ts";

/** Paths that everybody wants. */
const PATHS = ["a", "b", "c"];

/** Claims that one process has at work at the same time. */
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
    // What a server does when it starts, and must not disturb anybody.
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
