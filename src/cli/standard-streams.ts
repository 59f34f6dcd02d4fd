/**
 * Whether standard input and output are what data can be read from and written to.
 *
 * A runtime opens /dev/null, for reading and writing, in the place of a closed output, and some take a folder for an empty
 * input. Without a look at them a follow would lose every byte, and an append would send none, and both report success.
 * @module
 */
import { fstatSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";

const READ_ONLY = 0;
const WRITE_ONLY = 1;
const READ_WRITE = 2;

interface Opened {
  /** How it may be used. */
  readonly access: number;
  readonly isNull: boolean;
}

/** @throws an error with a sentence when nothing can be written to standard output. */
export function checkOutput(): void {
  const fault = outputFault();
  if (fault !== undefined) {
    throw new Error(`Can't write to standard output: ${fault}. To follow without keeping the bytes, use > /dev/null.`);
  }
}

/** @throws an error with a sentence when nothing can be read from standard input. */
export function checkInput(): void {
  const fault = inputFault();
  if (fault !== undefined) {
    throw new Error(`Can't read standard input: ${fault}. To append nothing, use < /dev/null.`);
  }
}

function outputFault(): string | undefined {
  if (opened(1)?.access === READ_ONLY) return "it is open for reading only";
  return isReplaced(1) && !isReplaced(2) ? "it is closed" : undefined;
}

function inputFault(): string | undefined {
  if (isFolder(0)) return "it is a folder";
  return opened(0)?.access === WRITE_ONLY ? "it is open for writing only" : undefined;
}

/**
 * Whether a runtime has opened something in the place of a closed one. A shell opens /dev/null for writing only. Programs
 * that start others with everything thrown away open it both ways; that is why standard error is looked at, too.
 */
function isReplaced(fd: number): boolean {
  const found = opened(fd);
  return found?.isNull === true && found.access === READ_WRITE;
}

function isFolder(fd: number): boolean {
  try {
    return fstatSync(fd).isDirectory();
  } catch {
    // Closed, or not for us to look at: reading it will tell.
    return false;
  }
}

/** Nothing where the system does not tell. */
function opened(fd: number): Opened | undefined {
  if (process.platform !== "linux" || !mayRead()) return undefined;
  try {
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")) ?? [];
    if (flags === undefined) return undefined;
    const isNull = readlinkSync(`/proc/self/fd/${fd}`) === "/dev/null";
    return { access: Number.parseInt(flags, 8) & 3, isNull };
  } catch {
    return undefined;
  }
}

/** Deno would ask for its permission on the terminal, and wait for the answer. */
function mayRead(): boolean {
  const { Deno } = globalThis as { Deno?: { permissions: { querySync(asked: object): { state: string } } } };
  return Deno === undefined || Deno.permissions.querySync({ name: "read", path: "/proc/self" }).state === "granted";
}
