/**
 * Whether standard input and output are what data can be read from and written to.
 *
 * Some runtimes take a folder for an empty input, and lose without a word what is written to an output that can't be
 * written to. That an output is closed can't be told: runtimes open /dev/null in its place, as programs do that start others
 * and want none of their output.
 * @module
 */
import { fstatSync, readFileSync } from "node:fs";
import process from "node:process";

const READ_ONLY = 0;
const WRITE_ONLY = 1;

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
  return accessOf(1) === READ_ONLY ? "it is open for reading only" : undefined;
}

function inputFault(): string | undefined {
  if (isFolder(0)) return "it is a folder";
  return accessOf(0) === WRITE_ONLY ? "it is open for writing only" : undefined;
}

function isFolder(fd: number): boolean {
  try {
    return fstatSync(fd).isDirectory();
  } catch {
    // Closed, or not for us to look at: reading it will tell.
    return false;
  }
}

/** For what a descriptor is open; nothing where the system does not tell. */
function accessOf(fd: number): number | undefined {
  if (process.platform !== "linux" || !mayRead()) return undefined;
  try {
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")) ?? [];
    return flags === undefined ? undefined : Number.parseInt(flags, 8) & 3;
  } catch {
    return undefined;
  }
}

/** Deno would ask for its permission on the terminal, and wait for the answer. */
function mayRead(): boolean {
  const { Deno } = globalThis as { Deno?: { permissions: { querySync(asked: object): { state: string } } } };
  return Deno === undefined || Deno.permissions.querySync({ name: "read", path: "/proc/self" }).state === "granted";
}
