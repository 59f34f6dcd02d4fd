/**
 * The connections of this process to the others on its machine, which report their appends.
 * @module
 */
import { existsSync, readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { clearInterval, setInterval } from "node:timers";
import type { OwnerRecord } from "../processes/owner-record.ts";
import type { Reserved } from "../reserved/layout.ts";
import { isReachable, maySocket, SocketFolder } from "../reserved/sockets.ts";
import { FORMAT, type Frame, FrameParser, HEADER_BYTES, type Hello, headerOf, KIND } from "./frames.ts";

/** Milliseconds between two searches for processes that have begun to append, while a watch waits. */
const SEARCH_MS = 1_000;

/** Milliseconds for which a new watch does not repeat the search, because there may be very many short watches. */
const REST_MS = 50;

/** Maximum bytes that wait for a process that does not read, beside a frame per watch. Then it is disconnected. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Bytes of the frame that begins a watch. When a connection begins, these frames of all watches are sent at once. */
const WATCH_BYTES = HEADER_BYTES + 40;

/** Milliseconds without another attempt to reach a process that could not be reached. */
const REFUSED_MS = 5_000;

/** What another process reports about a path. */
export interface PeerReport {
  /** The id of the owner record of the process. */
  readonly from: string;
  /** `state`: it appends. `none`: it does not. `gone`: it can't be reached any more. */
  readonly type: "state" | "none" | "grown" | "ended" | "gone";
  readonly size: number;
  readonly closed: boolean;
  /** The stored bytes of `grown`, if the frame has them. */
  readonly bytes?: Uint8Array;
  /** The generation, of `state`. */
  readonly generation?: string;
  /** How the append ended, of `ended`; undefined if it may continue elsewhere. */
  readonly reason?: string;
}

/** Receives what is reported about one path. */
export type Listener = (report: PeerReport) => void;

interface Watch {
  readonly key: string;
  readonly listener: Listener;
}

/** A process that this one is connected to. */
interface Peer {
  readonly socket: Socket;
  /** The id of its owner record; undefined until its first frame. */
  id: string | undefined;
}

/** Connects to the other processes while it is needed. */
export class Links {
  readonly #self: OwnerRecord;
  readonly #folder: SocketFolder;
  readonly #peers = new Map<string, Peer>();
  readonly #refused = new Map<string, number>();
  readonly #watches = new Map<number, Watch>();
  #lastId = 0;
  #searchedMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(reserved: Reserved, self: OwnerRecord) {
    this.#self = self;
    this.#folder = new SocketFolder(reserved);
  }

  /** Calls `listener` with everything that other processes report about a path. Call the result to stop. */
  watch(key: string, listener: Listener): () => void {
    if (!maySocket()) return () => {};
    const id = this.#nextId();
    this.#watches.set(id, { key, listener });
    for (const peer of this.#peers.values()) if (peer.id !== undefined) this.#send(peer, KIND.WATCH, id, key);
    if (performance.now() - this.#searchedMs >= REST_MS) this.#search();
    this.#timer ??= setInterval(() => this.#search(), SEARCH_MS).unref();
    return () => {
      if (!this.#watches.delete(id)) return;
      for (const peer of this.#peers.values()) if (peer.id !== undefined) this.#send(peer, KIND.LEAVE, id);
      if (this.#watches.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** Tells the other processes that this one has requested a path. The request itself is a file. */
  wants(key: string): void {
    if (!maySocket()) return;
    this.#search();
    // A process that is not connected yet gets the frame once it is connected.
    for (const peer of this.#peers.values()) this.#send(peer, KIND.WANTED, 0, key);
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) % 2 ** 32;
    while (this.#watches.has(this.#lastId));
    return this.#lastId;
  }

  /** Connects to the processes that have a socket, and are not connected. */
  #search(): void {
    this.#searchedMs = performance.now();
    try {
      if (!existsSync(this.#folder.folder)) return;
      for (const name of readdirSync(this.#folder.folder)) {
        if (this.#peers.has(name) || !isReachable(name, this.#self)) continue;
        const refusedMs = this.#refused.get(name) ?? Number.NEGATIVE_INFINITY;
        if (performance.now() - refusedMs < REFUSED_MS) continue;
        const path = this.#folder.pathOf(name);
        if (path !== undefined) this.#connect(name, path);
      }
    } catch {
      // Watches poll the files of a process that can't be reached.
    }
  }

  #connect(name: string, path: string): void {
    const socket = connect({ path });
    const peer: Peer = { socket, id: undefined };
    this.#peers.set(name, peer);
    this.#refused.delete(name);
    const parser = new FrameParser();
    socket.unref();
    socket.on("error", () => this.#refused.set(name, performance.now()));
    socket.on("close", () => {
      if (this.#peers.get(name) === peer) this.#peers.delete(name);
      const { id: from } = peer;
      if (from === undefined) return;
      for (const { listener } of this.#watches.values()) listener({ from, type: "gone", size: 0, closed: false });
    });
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const frame of parser.push(chunk)) this.#received(peer, frame);
      } catch {
        // It sends something that this version does not understand.
        this.#refused.set(name, performance.now());
        socket.destroy();
      }
    });
  }

  #received(peer: Peer, frame: Frame): void {
    if (peer.id === undefined) {
      peer.id = idIn(frame);
      for (const [id, { key }] of this.#watches) this.#send(peer, KIND.WATCH, id, key);
      return;
    }
    const report = reportIn(peer.id, frame);
    if (report) this.#watches.get(frame.id)?.listener(report);
  }

  #send({ socket }: Peer, kind: number, id: number, key = ""): void {
    const mayWait = MAX_WAITING_BYTES + this.#watches.size * WATCH_BYTES;
    if (socket.writableLength > mayWait) return void socket.destroy();
    const payload = Buffer.from(key, "latin1");
    socket.write(Buffer.concat([headerOf({ kind, id, size: 0, closed: false, payload }), payload]));
  }
}

/** @throws {TypeError} if the process has another version, or sends something else. */
function idIn({ kind, payload }: Frame): string {
  const { format, id } = JSON.parse(Buffer.from(payload).toString()) as Partial<Hello>;
  if (kind === KIND.HELLO && format === FORMAT && typeof id === "string") return id;
  throw new TypeError("The process has another version.");
}

function reportIn(from: string, { kind, size, closed, payload }: Frame): PeerReport | undefined {
  const known = { from, size, closed };
  switch (kind) {
    case KIND.NONE:
      return { ...known, type: "none" };
    case KIND.STATE:
      return { ...known, type: "state", generation: Buffer.from(payload).toString() };
    case KIND.GROWN:
      return { ...known, type: "grown", ...(payload.length > 0 && { bytes: payload }) };
    case KIND.ENDED:
      return { ...known, type: "ended", ...(payload.length > 0 && { reason: Buffer.from(payload).toString() }) };
    default:
      return undefined;
  }
}
