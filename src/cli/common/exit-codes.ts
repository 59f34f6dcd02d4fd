/**
 * What the commands tell the shell.
 * @module
 */
import { constants } from "node:os";

/** Done. */
export const DONE = 0;
/** Refused, or failed. */
export const FAILED = 1;
/** Called the wrong way. */
export const WRONG_USAGE = 2;

/** Ended by a signal, as shells count it: 130 for Ctrl-C. */
export function interruptedBy(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
