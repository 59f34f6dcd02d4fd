/**
 * The sockets of the processes on a root: their names, and how they can be reached.
 *
 * A name says on which machine a process runs, so that no other machine tries to connect, and which process it is.
 * @module
 */
import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { namesIn } from "../folders/folder.ts";
import type { OwnerRecord } from "../processes/owner-record.ts";
import { isDead } from "../processes/process-identity.ts";
import { removeFile } from "./atomic-write.ts";
import { keyOf, type Reserved } from "./layout.ts";
import { isLocal } from "./local.ts";

/** Maximum bytes of the path of a socket: the size of `sun_path` without its last zero. */
const MAX_PATH_BYTES = process.platform === "linux" ? 107 : 103;

/** Length of the parts of a name that stand for a machine and for its process namespace. */
const PART = 8;

/** The part of Deno's permissions that is used here. */
interface DenoPermissions {
  readonly permissions: { querySync(descriptor: { name: "read" | "write" | "net" }): { state: string } };
}

/** Whether this process may use sockets. Without a permission, Deno would ask the user for it. */
export function maySocket(): boolean {
  const { Deno } = globalThis as { Deno?: DenoPermissions };
  if (process.platform === "win32") return false;
  const names = ["read", "write", "net"] as const;
  return !Deno || names.every((name) => Deno.permissions.querySync({ name }).state === "granted");
}

/** The machine of a process, as its socket's name begins. */
function machineOf({ scope }: Pick<OwnerRecord, "scope">): string {
  const [host = "", boot = ""] = scope.split(" ");
  return keyOf(boot || host).slice(0, PART);
}

/** The name of the socket of a process. */
export function socketName({ id, pid, started, scope }: OwnerRecord): string {
  return [machineOf({ scope }), keyOf(scope).slice(0, PART), pid, started, id.slice(0, 4)].join("_");
}

/** Whether a name is that of a socket of another process on the machine of this one. */
export function isReachable(name: string, self: OwnerRecord): boolean {
  return name.startsWith(`${machineOf(self)}_`) && name !== socketName(self);
}

/** The folder of the sockets. */
export class SocketFolder {
  readonly folder: string;
  /** Open while the folder's path is too long for a socket. */
  #fd: number | undefined;

  constructor({ sockets }: Reserved) {
    this.folder = sockets;
  }

  /**
   * The path of a socket, short enough for the system.
   *
   * @returns Undefined if the root's path is too long, and the system has no other way to its folder.
   * @throws Errors of the operating system.
   */
  pathOf(name: string): string | undefined {
    const path = join(this.folder, name);
    if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return path;
    if (process.platform !== "linux") return undefined;
    const found = statSync(this.folder);
    if (this.#fd !== undefined && fstatSync(this.#fd).ino !== found.ino) this.close();
    this.#fd ??= openSync(this.folder, constants.O_RDONLY | constants.O_DIRECTORY);
    return `/proc/self/fd/${this.#fd}/${name}`;
  }

  /** Closes what {@link pathOf} has opened. Its paths are not valid any more. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/**
 * Removes the sockets of processes that have ended.
 *
 * @throws Errors of the operating system.
 */
export async function sweepSockets(reserved: Reserved, self: OwnerRecord): Promise<void> {
  const names = await namesIn(reserved.sockets);
  if (names.length === 0 || !maySocket()) return;
  const sockets = new SocketFolder(reserved);
  try {
    for (const name of names)
      if (await isLeft(sockets, name, reserved, self)) await removeFile(join(sockets.folder, name));
  } finally {
    sockets.close();
  }
}

async function isLeft(sockets: SocketFolder, name: string, reserved: Reserved, self: OwnerRecord): Promise<boolean> {
  const [machine, namespace, pid, started = ""] = name.split("_");
  // One of another machine, or from before this one was started.
  if (machine !== machineOf(self)) return isLocal(reserved.root);
  if (name === socketName(self)) return false;
  const { scope } = self;
  // A process has made its socket, and is about to listen.
  if (namespace === keyOf(scope).slice(0, PART) && !isDead({ pid: Number(pid), started, scope }, self)) return false;
  const path = sockets.pathOf(name);
  return path !== undefined && isRefused(path);
}

/** Whether no process listens at a socket. */
function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const done = (result: boolean): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => done(false));
    socket.once("error", (error) => done((error as { code?: unknown }).code === "ECONNREFUSED"));
  });
}
