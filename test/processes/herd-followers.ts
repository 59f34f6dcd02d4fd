/**
 * A process with many followers of one URL, the project's own: `herd-followers.ts URL COUNT`.
 *
 * Prints `all open` when all of them are connected, again when all of them are after they had lost their connections,
 * and in the end one line of JSON: a {@link HerdReport}.
 * @module
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { type FollowState, follow } from "../../src/client/mod.ts";

/** What became of the followers. */
export interface HerdReport {
  /** How many ended how; `failed` and the error's code where one failed. */
  readonly ends: Readonly<Record<string, number>>;
  /** How many got which bytes, by their SHA-256. */
  readonly got: Readonly<Record<string, number>>;
  /** How long each waited before its first attempt to come back, in milliseconds. */
  readonly delaysMs: readonly number[];
  /** Why their connections broke, by the errors' codes. */
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
