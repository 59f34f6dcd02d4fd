/**
 * How an append ended: the same words in `end` messages, in `Stream-Ended` and in the log.
 * @module
 */

/** The reasons for which an append ends for good. */
export const END_REASONS = ["complete", "lost", "failed", "limit", "deleted", "replaced"] as const;

/**
 * Why an append ended. `complete`: the appender ended it. `lost`: the appender disappeared. `failed`: storing failed.
 * `limit`: a limit was reached. `deleted`, `replaced`: its file was deleted or replaced. `restarting`: it continues in
 * another process, or after a restart.
 */
export type EndReason = (typeof END_REASONS)[number] | "restarting";

/** How the last append ended; `unknown` if that is not on record. */
export type EndedReason = (typeof END_REASONS)[number] | "unknown";

/**
 * Parses a reason that a server sent. A missing or unknown reason becomes `unknown`.
 *
 * @example
 * ```ts
 * endedReasonOf("lost"); // "lost"
 * endedReasonOf(undefined); // "unknown"
 * ```
 */
export function endedReasonOf(value: unknown): EndedReason {
  return END_REASONS.find((reason) => reason === value) ?? "unknown";
}
