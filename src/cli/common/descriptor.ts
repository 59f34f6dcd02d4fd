/**
 * Writing to standard output and error without ever waiting for their reader.
 *
 * Node and Bun wait for a terminal that stands still, and Deno also for a pipe or a socket that is full. A second,
 * non-blocking description of the same terminal or pipe says "later" instead, and leaves the one that is shared with
 * other programs as it is.
 * @module
 */
import { constants, fstatSync, openSync, type Stats, writeSync } from "node:fs";
import { Socket } from "node:net";
import process from "node:process";

/** Standard output or standard error. */
export type DescriptorNumber = 1 | 2;

/** Told how many of the bytes were taken, or why none were. */
export type Written = (error: unknown, bytes: number) => void;

/** Takes bytes, as many as it can; calls `done` once, at once or later. One call at a time. */
export type Descriptor = (bytes: Uint8Array, done: Written) => void;

/** Opens standard output or error for writing without waiting. */
export function openDescriptor(fd: DescriptorNumber): Descriptor {
  const kind = kindOf(fd);
  // A file shares its offset with other programs, and nobody has to read it.
  if (kind?.isFile()) return direct(() => fd);
  const reopened = kind?.isFIFO() || kind?.isCharacterDevice() ? reopen(fd) : undefined;
  if (reopened !== undefined) return direct(() => reopened);
  return throughStream(() => streamOf(fd, kind));
}

function kindOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    // Closed, or not for us to look at.
    return undefined;
  }
}

/** Nothing where the system can't do it: there is no /proc, or a terminal belongs to another user. */
function reopen(fd: number): number | undefined {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  const path = `/proc/self/fd/${fd}`;
  if (process.platform !== "linux" || O_NONBLOCK === undefined || !mayWrite(path)) return undefined;
  try {
    return openSync(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
}

/** Deno would ask for its permission on the terminal, and wait for the answer. */
function mayWrite(path: string): boolean {
  const { Deno } = globalThis as { Deno?: { permissions: { querySync(asked: object): { state: string } } } };
  return Deno === undefined || Deno.permissions.querySync({ name: "write", path }).state === "granted";
}

function direct(fd: () => number): Descriptor {
  return (bytes, done) => {
    let written = 0;
    try {
      written = writeSync(fd(), bytes);
    } catch (error) {
      done(error, 0);
      return;
    }
    done(undefined, written);
  };
}

function throughStream(open: () => NodeJS.WritableStream): Descriptor {
  let stream: NodeJS.WritableStream | undefined;
  return (bytes, done) => {
    if (!stream) {
      stream = open();
      // The callback of the write has it too.
      stream.on("error", () => {});
    }
    stream.write(bytes, (error?: Error | null) => done(error ?? undefined, error ? 0 : bytes.length));
  };
}

/** Deno's own streams wait for a socket; the class that it has for other sockets does not. */
function streamOf(fd: DescriptorNumber, kind: Stats | undefined): NodeJS.WritableStream {
  if (process.versions["deno"] !== undefined && kind?.isSocket()) return new Socket({ fd, readable: false });
  return fd === 1 ? process.stdout : process.stderr;
}
