/**
 * How an append ended: the same words in `end`, in `Stream-Ended` and in the log.
 * @module
 */

/** The reasons for which an append is over for good. */
export const END_REASONS = ["complete", "lost", "failed", "limit", "deleted", "replaced"] as const;

/**
 * Why an append ended. `complete`: the appender ended it. `lost`: the appender vanished. `failed`: it could not be stored.
 * `limit`: a limit was reached. `deleted`, `replaced`: its file was. `restarting`: it goes on in another process, or after
 * a restart.
 */
export type EndReason = (typeof END_REASONS)[number] | "restarting";

/** How the last append ended, as far as it is on record. */
export type EndedReason = (typeof END_REASONS)[number] | "unknown";

/** A reason as a server names it; `unknown` where it names none that is known here. */
export function endedReasonOf(said: unknown): EndedReason {
  return END_REASONS.find((reason) => reason === said) ?? "unknown";
}
