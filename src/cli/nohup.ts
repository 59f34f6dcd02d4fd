/**
 * Whether this command is to go on when its terminal is closed, as `nohup` asks for.
 * @module
 */
import { fstatSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import process from "node:process";

/** The bit of SIGHUP in the kernel's masks of signals. */
const HANGUP = 1n;

/** The access mode in the flags of a descriptor, and its value for writing only. */
const ACCESS_MODE = 0o3;
const WRITE_ONLY = 0o1;

/**
 * Whether SIGHUP was ignored when this process started.
 *
 * Deno and Bun leave it ignored. Node forgets it before any script runs; what `nohup` does beside is all that is left
 * to go by: a shell names the program that it ran, and a terminal's place is taken by `nohup.out` and by a null device
 * that can't be read.
 */
export function outlivesTerminal(): boolean {
  return isIgnored() || basename(variable("_") ?? "") === "nohup" || isUnreadableNull() || isNohupOut();
}

function isIgnored(): boolean {
  const [, mask] =
    /^SigIgn:\s*([0-9a-f]+)$/m.exec(attempt(() => readFileSync("/proc/self/status", "utf8")) ?? "") ?? [];
  return mask !== undefined && (BigInt(`0x${mask}`) & HANGUP) !== 0n;
}

function isUnreadableNull(): boolean {
  const [input, nothing] = [attempt(() => fstatSync(0)), attempt(() => statSync("/dev/null"))];
  if (!input?.isCharacterDevice() || input.rdev !== nothing?.rdev) return false;
  const [, flags] = /^flags:\s*([0-7]+)$/m.exec(attempt(() => readFileSync("/proc/self/fdinfo/0", "utf8")) ?? "") ?? [];
  return flags !== undefined && (Number.parseInt(flags, 8) & ACCESS_MODE) === WRITE_ONLY;
}

function isNohupOut(): boolean {
  return [1, 2].some((fd) => {
    const output = attempt(() => fstatSync(fd));
    if (!output?.isFile()) return false;
    return [".", variable("HOME") ?? "."].some((folder) => {
      const found = attempt(() => statSync(`${folder}/nohup.out`));
      return found !== undefined && found.ino === output.ino && found.dev === output.dev;
    });
  });
}

/** Nothing where the system has no such thing, or a runtime does not let us look at it. */
/** An environment variable; nothing where Deno has no permission to read it. */
function variable(name: string): string | undefined {
  return attempt(() => process.env[name]);
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
