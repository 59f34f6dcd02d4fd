/**
 * Checks whether standard input can be read and standard output can be written.
 *
 * Some runtimes treat a folder as empty input and silently lose bytes written to a read-only output. A closed output
 * cannot be detected: runtimes open /dev/null in its place, as do programs that discard the output of a child.
 * @module
 */
import { fstatSync, readFileSync } from "node:fs";
import process from "node:process";

const READ_ONLY = 0;
const WRITE_ONLY = 1;

/**
 * Checks that standard output can be written.
 *
 * @throws an error with an explanation if it cannot.
 */
export function checkOutput(): void {
  const fault = outputFault();
  if (fault !== undefined) {
    throw new Error(`Can't write to standard output: ${fault}. To follow without keeping the bytes, use > /dev/null.`);
  }
}

/**
 * Checks that standard input can be read.
 *
 * @throws an error with an explanation if it cannot.
 */
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
    // The descriptor is closed or inaccessible; reading it will report that.
    return false;
  }
}

/** The access mode of a descriptor; undefined if the system does not reveal it. */
function accessOf(fd: number): number | undefined {
  if (process.platform !== "linux" || !mayRead()) return undefined;
  try {
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")) ?? [];
    return flags === undefined ? undefined : Number.parseInt(flags, 8) & 3;
  } catch {
    return undefined;
  }
}

/** Whether reading is permitted. Deno would otherwise prompt on the terminal and wait for the answer. */
function mayRead(): boolean {
  const { Deno } = globalThis as { Deno?: { permissions: { querySync(asked: object): { state: string } } } };
  return Deno === undefined || Deno.permissions.querySync({ name: "read", path: "/proc/self" }).state === "granted";
}
