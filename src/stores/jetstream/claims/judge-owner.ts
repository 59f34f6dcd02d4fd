/**
 * Whether a path may be claimed: the node that owns it may be alive, dead, silent, or about to release it.
 * @module
 */
import { appenderConflict } from "../../../engine/storage/conflicts.ts";
import { pause } from "../connection/pause.ts";
import { ask, type Outcome, type QuestionKind } from "../nodes/questions.ts";
import { claimOf, isClaimed, type PathRecord } from "../records/record.ts";
import type { Core } from "./core.ts";

/** Milliseconds between two questions to a node that seems to be gone. */
const ABSENT_MS = 500;

/**
 * Maximum number of questions to a node that does not answer. Right after a process has ended, the servers may not
 * report it as absent yet.
 */
const SILENT_QUESTIONS = 8;

/** `free`: no node owns the path. `silent`: its owner may wake up. `ending`: its owner is about to release it. */
export type Verdict = "free" | "silent" | "ending";

/**
 * Finds out whether a path may be claimed.
 *
 * @param record Its last valid record; undefined if it does not exist.
 * @param extraLeaseMs Milliseconds to wait beyond the lease of a silent node.
 * @throws {StreamError} `conflict` if another node owns it; `unavailable`.
 */
export async function judgeOwner(
  core: Core,
  path: string,
  record: PathRecord | undefined,
  extraLeaseMs: number,
): Promise<Verdict> {
  if (!record) return "free";
  const { node, reservedFor } = record;
  if (record.type === "c" && reservedFor !== undefined && reservedFor !== core.node) {
    const answer = await question(core, reservedFor, "wanted", path);
    if (answer === "yes") throw appenderConflict(path);
    return "free";
  }
  if (!isClaimed(record) || node === core.node) return "free";
  return await judgeNode(core, path, record, extraLeaseMs);
}

async function judgeNode(core: Core, path: string, record: PathRecord, extraLeaseMs: number): Promise<Verdict> {
  const { node } = record;
  for (let silences = 0, absences = 0; silences < SILENT_QUESTIONS; ) {
    const answer = await question(core, node, "held", path, claimOf(record));
    const said = verdictOf(path, answer);
    if (said) return said;
    if (!(await core.directory.isAlive(node))) return await judgeGone(core, path, node, { answer, extraLeaseMs });
    if (answer === "silent") silences++;
    else if (++absences === 2) return "free";
    else await pause(ABSENT_MS);
  }
  throw appenderConflict(path);
}

/** What an answer says; undefined if there was none. */
function verdictOf(path: string, answer: Outcome): Verdict | undefined {
  if (answer === "yes") throw appenderConflict(path);
  if (answer === "no") return "free";
  return answer === "ending" ? "ending" : undefined;
}

/** Judges a node that has no lease any more, and has not answered. */
async function judgeGone(
  core: Core,
  path: string,
  node: string,
  { answer, extraLeaseMs }: { readonly answer: Outcome; readonly extraLeaseMs: number },
): Promise<Verdict> {
  if (answer === "absent") return "free";
  // A process that is connected and does not answer is suspended.
  if ((await core.directory.missingMs(node)) >= extraLeaseMs) return "silent";
  throw appenderConflict(path);
}

function question(core: Core, node: string, kind: QuestionKind, path: string, claim?: number): Promise<Outcome> {
  const about = { kind, path, node: core.node, ...(claim !== undefined && { claim }) };
  return ask(core.calls.connection, core.layout, node, about);
}
