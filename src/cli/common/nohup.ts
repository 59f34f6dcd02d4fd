/**
 * Whether this command is to go on when a terminal is closed, as `nohup` asks for.
 * @module
 */
import { readFileSync } from "node:fs";
import { isatty } from "node:tty";

/** The bit of SIGHUP in the kernel's masks of signals. */
const HANGUP = 1n;

/**
 * Whether SIGHUP means nothing to this process: it was ignored when it started, or none of its standard streams is a
 * terminal that could be closed.
 *
 * Deno and Bun leave it ignored. Node forgets it before any script runs. But `nohup` leaves no stream at a terminal, and
 * whatever has none there does not end with one.
 */
export function outlivesTerminal(): boolean {
  return isIgnored() || ![0, 1, 2].some((descriptor) => isatty(descriptor));
}

function isIgnored(): boolean {
  const [, mask] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(ownStatus()) ?? [];
  return mask !== undefined && (BigInt(`0x${mask}`) & HANGUP) !== 0n;
}

/** Empty where the system has no such thing, or Deno has no permission to look at it. */
function ownStatus(): string {
  try {
    return readFileSync("/proc/self/status", "utf8");
  } catch {
    return "";
  }
}
