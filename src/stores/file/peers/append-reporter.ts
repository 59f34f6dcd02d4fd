/**
 * Reports the appends of this process to other processes on its machine that wait for them.
 * @module
 */
import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { clearInterval, setInterval } from "node:timers";
import { makeFolderSync } from "../folders/folder.ts";
import type { OwnerRecord } from "../processes/owner-record.ts";
import { removeFileNow } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";
import { maySocket, SocketFolder, socketName } from "../reserved/sockets.ts";
import { FORMAT, type Frame, FrameParser, KIND } from "./frames.ts";
import { Outbox } from "./outbox.ts";

/** Milliseconds until the next attempt at listening. */
const RETRY_MS = 5_000;

/** Milliseconds between two checks whether the socket is used. */
const IDLE_MS = 10_000;

/** An append of this process. */
export interface ReportableAppend {
  readonly generation: string;
  /** The size of the path. It may include a batch that is not certainly stored yet. */
  readonly offset: number;
  /** The state of the path, if it is a stream. */
  readonly stream?: { readonly closed?: unknown } | undefined;
}

/** Reports one append. */
export interface Report {
  /** Bytes were stored, after which the path has this size. */
  grown(bytes: Uint8Array): void;
  /** The append has ended. Without a reason, it may continue elsewhere. */
  ended(size: number, reason: string | undefined): void;
}

/** A process that waits at a path: its connection, and the id that it has given to the watch. */
interface Waiting {
  readonly outbox: Outbox;
  readonly id: number;
}

/** An append, and the size that is certainly stored. */
interface ReportedAppend {
  readonly append: ReportableAppend;
  size: number;
}

const NONE: ReadonlySet<Waiting> = new Set();

/** The sockets to remove when the process exits. */
const atExit = new Set<string>();
let isExitAwaited = false;

/** Listens at the socket of this process. */
export class AppendReporter {
  readonly #self: OwnerRecord;
  readonly #onWanted: (key: string) => void;
  readonly #folder: SocketFolder;
  readonly #appends = new Map<string, ReportedAppend>();
  readonly #waiting = new Map<string, Set<Waiting>>();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  /** Where it listens. */
  #file = "";
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Whether there was an append since the last check. */
  #isUsed = false;
  #stays = false;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  /**
   * @param self The record of this process.
   * @param onWanted Called with the key of a path that another process has requested.
   */
  constructor(reserved: Reserved, self: OwnerRecord, onWanted: (key: string) => void) {
    this.#self = self;
    this.#onWanted = onWanted;
    this.#folder = new SocketFolder(reserved);
  }

  /**
   * Begins to listen. Does nothing if it listens already. If it can't listen, the other processes poll.
   *
   * @param stays Whether to listen until the process ends. Default: until there have been no appends and no waiting
   * processes for some seconds.
   */
  open(stays = false): void {
    this.#stays ||= stays;
    this.#isUsed = true;
    const nowMs = performance.now();
    if (this.#server || nowMs < this.#notBeforeMs || !maySocket()) return;
    this.#notBeforeMs = nowMs + RETRY_MS;
    try {
      this.#listen();
    } catch {
      this.#server = undefined;
    }
  }

  /** Reports an append of this process from now on. */
  begins(key: string, append: ReportableAppend): Report {
    this.open();
    // While a batch is written, the offset counts bytes that may have to be taken back.
    const reported: ReportedAppend = { append, size: append.offset };
    this.#appends.set(key, reported);
    for (const waiting of this.#waitingAt(key)) report(waiting, reported);
    return {
      grown: (payload) => {
        const size = append.offset;
        reported.size = size;
        const waiting = this.#waitingAt(key);
        if (waiting.size === 0) return;
        const closed = append.stream?.closed !== undefined;
        for (const { outbox, id } of waiting) outbox.send(KIND.GROWN, id, { size, closed, payload });
      },
      ended: (size, reason = "") => {
        if (this.#appends.get(key) === reported) this.#appends.delete(key);
        const payload = Buffer.from(reason);
        for (const { outbox, id } of this.#waitingAt(key)) outbox.send(KIND.ENDED, id, { size, payload });
      },
    };
  }

  #waitingAt(key: string): ReadonlySet<Waiting> {
    return this.#waiting.get(key) ?? NONE;
  }

  #listen(): void {
    const name = socketName(this.#self);
    makeFolderSync(this.#folder.folder);
    // The mode of the folder keeps other users from a socket in it, even before the socket has its own mode.
    chmodSync(this.#folder.folder, 0o700);
    const path = this.#folder.pathOf(name);
    if (path === undefined) return;
    const file = join(this.#folder.folder, name);
    // Left by an ended process with the same number.
    removeFileNow(file);
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    this.#file = file;
    server.on("error", () => {
      if (this.#server === server) this.#server = undefined;
    });
    // `exclusive`: otherwise the workers of `node:cluster` would share the socket.
    server.listen({ path, exclusive: true }, () => {
      try {
        chmodSync(file, 0o600);
      } catch {
        // The mode of the folder suffices.
      }
    });
    server.unref();
    removeAtExit(file);
    if (this.#stays) return;
    this.#timer ??= setInterval(() => this.#tick(), IDLE_MS);
    this.#timer.unref();
  }

  #tick(): void {
    const isUsed = this.#isUsed || this.#appends.size > 0 || this.#waiting.size > 0;
    this.#isUsed = false;
    if (!isUsed && !this.#stays) this.#close();
  }

  /** Closes the socket of a root that is not used any more. The next append opens it again. */
  #close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#server?.close();
    this.#server = undefined;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
    for (const socket of this.#sockets) socket.destroy();
    try {
      this.#folder.close();
      removeFileNow(this.#file);
      atExit.delete(this.#file);
    } catch {
      // The end of the process removes it.
    }
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const outbox = new Outbox(socket);
    const watches = new Map<number, { readonly key: string; readonly waiting: Waiting }>();
    const parser = new FrameParser();
    const leave = (id: number): void => {
      const known = watches.get(id);
      watches.delete(id);
      if (!known) return;
      const all = this.#waiting.get(known.key);
      all?.delete(known.waiting);
      if (all?.size === 0) this.#waiting.delete(known.key);
    };
    const received = ({ kind, id, payload }: Frame): void => {
      if (kind === KIND.LEAVE) {
        leave(id);
        return;
      }
      const key = Buffer.from(payload).toString("latin1");
      if (kind === KIND.WANTED) this.#onWanted(key);
      if (kind !== KIND.WATCH || watches.has(id)) return;
      const waiting = { outbox, id };
      watches.set(id, { key, waiting });
      const all = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, all.add(waiting));
      const append = this.#appends.get(key);
      if (append) report(waiting, append);
      else outbox.send(KIND.NONE, id);
    };
    socket.unref();
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      for (const id of [...watches.keys()]) leave(id);
    });
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const frame of parser.push(chunk)) received(frame);
      } catch {
        socket.destroy();
      }
    });
    const hello = { format: FORMAT, id: this.#self.id };
    outbox.send(KIND.HELLO, 0, { payload: Buffer.from(JSON.stringify(hello)) });
  }
}

function report({ outbox, id }: Waiting, { size, append: { generation, stream } }: ReportedAppend): void {
  outbox.send(KIND.STATE, id, { size, closed: stream?.closed !== undefined, payload: Buffer.from(generation) });
}

function removeAtExit(file: string): void {
  if (!isExitAwaited) {
    isExitAwaited = true;
    process.once("exit", () => {
      for (const socket of atExit) {
        try {
          removeFileNow(socket);
        } catch {
          // The next start removes it.
        }
      }
    });
  }
  atExit.add(file);
}
