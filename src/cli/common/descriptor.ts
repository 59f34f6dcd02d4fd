/**
 * Writes to standard output and standard error without blocking on their reader.
 *
 * Node and Bun block on a suspended terminal; Deno also blocks on a full pipe or socket. A second, non-blocking
 * description of the same terminal or pipe fails instead of blocking, and does not change the description that other
 * programs share.
 * @module
 */
import { constants, fstatSync, openSync, type Stats, writeSync } from "node:fs";
import { Socket } from "node:net";
import process from "node:process";

/** Standard output or standard error. */
export type DescriptorNumber = 1 | 2;

/** Receives the number of bytes written, or the error. */
export type Written = (error: unknown, bytes: number) => void;

/** Writes as many bytes as it can and calls `done` once, immediately or later. Only one call may be in progress. */
export type Descriptor = (bytes: Uint8Array, done: Written) => void;

/** Opens standard output or standard error for non-blocking writes. */
export function openDescriptor(fd: DescriptorNumber): Descriptor {
  const kind = kindOf(fd);
  // A file needs no reader. Reopening it would lose the offset that other programs share.
  if (kind?.isFile()) return direct(() => fd);
  const reopened = kind?.isFIFO() || kind?.isCharacterDevice() ? reopen(fd) : undefined;
  if (reopened !== undefined) return direct(() => reopened);
  return throughStream(() => streamOf(fd, kind));
}

function kindOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    // The descriptor is closed or inaccessible.
    return undefined;
  }
}

/** Returns undefined if the system does not support it: there is no /proc, or the terminal belongs to another user. */
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

/** Whether writing is permitted. Deno would otherwise prompt on the terminal and wait for the answer. */
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
      // The callback of the write receives the error too.
      stream.on("error", () => {});
    }
    stream.write(bytes, (error?: Error | null) => done(error ?? undefined, error ? 0 : bytes.length));
  };
}

/** Deno's standard streams block on a socket; its class for other sockets does not. */
function streamOf(fd: DescriptorNumber, kind: Stats | undefined): NodeJS.WritableStream {
  if (process.versions["deno"] !== undefined && kind?.isSocket()) return new Socket({ fd, readable: false });
  return fd === 1 ? process.stdout : process.stderr;
}
