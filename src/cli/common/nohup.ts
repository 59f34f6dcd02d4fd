/**
 * Determines whether this command should survive the closing of its terminal, as with `nohup`.
 * @module
 */
import { readFileSync } from "node:fs";
import { isatty } from "node:tty";

/** The bit of SIGHUP in the kernel's signal masks. */
const HANGUP = 1n;

/**
 * Whether to ignore SIGHUP: it was ignored when the process started, or no standard stream is a terminal.
 *
 * Deno and Bun keep the signal ignored, but Node resets it before any script runs. As `nohup` leaves no standard stream
 * on a terminal, a process without one counts as well.
 */
export function ignoresHangups(): boolean {
  return isIgnored() || ![0, 1, 2].some((descriptor) => isatty(descriptor));
}

function isIgnored(): boolean {
  const [, mask] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(ownStatus()) ?? [];
  return mask !== undefined && (BigInt(`0x${mask}`) & HANGUP) !== 0n;
}

/** The process status; empty if the system does not provide it or Deno has no permission to read it. */
function ownStatus(): string {
  try {
    return readFileSync("/proc/self/status", "utf8");
  } catch {
    return "";
  }
}
