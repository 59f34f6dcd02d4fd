/**
 * Exit codes of the commands.
 * @module
 */
import { constants } from "node:os";

/** The command succeeded. */
export const DONE = 0;
/** The request was refused, or the command failed. */
export const FAILED = 1;
/** The command line is invalid. */
export const WRONG_USAGE = 2;

/**
 * The exit code after a signal, by the convention of shells.
 *
 * @example
 * ```ts
 * interruptedBy("SIGINT"); // 130
 * ```
 */
export function interruptedBy(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
