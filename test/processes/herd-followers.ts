/**
 * A process with many followers of one URL, made with the project's client: `herd-followers.ts URL COUNT`.
 *
 * Prints `all open` each time that all of them are connected: at first, and after a reconnect. At the end it prints one
 * line of JSON: a {@link HerdReport}.
 * @module
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { type FollowState, follow } from "../../src/client/mod.ts";

/** The results of the followers. */
export interface HerdReport {
  /** Followers by end reason; after an error, by `failed` and the error's code. */
  readonly ends: Readonly<Record<string, number>>;
  /** Followers by the SHA-256 of the bytes that they got. */
  readonly got: Readonly<Record<string, number>>;
  /** The delay of each follower before its first reconnect, in milliseconds. */
  readonly delaysMs: readonly number[];
  /** Lost connections by error code. */
  readonly causes: Readonly<Record<string, number>>;
}

const [url = "", count = "0"] = process.argv.slice(2);
const followers = Number(count);
const ends: Record<string, number> = {};
const got: Record<string, number> = {};
const causes: Record<string, number> = {};
const delaysMs: number[] = [];
let opened = 0;

function note(state: FollowState): void {
  if (state.state === "open" && ++opened % followers === 0) console.log("all open");
  if (state.state !== "retrying" || state.attempt > 1) return;
  delaysMs.push(state.delayMs);
  increment(causes, state.error.code);
}

function increment(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

async function one(): Promise<void> {
  const stream = follow(url, { onState: note });
  const hash = createHash("sha256");
  try {
    for await (const bytes of stream) hash.update(bytes);
    increment(ends, (await stream.ended).reason);
  } catch (error) {
    increment(ends, `failed ${(error as { code?: string }).code}`);
  }
  increment(got, hash.digest("hex"));
}

await Promise.all(Array.from({ length: followers }, one));
const report: HerdReport = { ends, got, delaysMs, causes };
console.log(JSON.stringify(report));
