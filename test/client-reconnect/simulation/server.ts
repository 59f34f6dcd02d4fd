/**
 * A minimal model of a server with one path, written from the wire contract of `httpfstream.v1` in `docs/protocol.md`
 * and not from the real server.
 * @module
 */

import { SimulatedBody } from "./body.ts";
import type { VirtualClock } from "./clock.ts";
import type { ServerSide, SimulatedConnection } from "./connection.ts";

/** Milliseconds for which an interrupted session keeps its path reserved. */
export const GRACE_MS = 30_000;

/** How an append ends. */
export type Reason = "complete" | "lost" | "failed" | "deleted" | "replaced" | "limit";

interface Session {
  readonly token: string;
  connection: SimulatedConnection | undefined;
  /** The window that was sent to its connection, in bytes. */
  window: number;
  /** Bytes that are received but not yet stored. */
  pending: Uint8Array[];
  cancelGrace: () => void;
}

/** A follower, on a WebSocket or on a response body. */
interface Follower {
  offset: number;
  send(bytes: Uint8Array): void;
  /** Ends it: with a reason after the last byte, or with `restart` when the server goes away. */
  finish(how: Reason | "restart"): void;
  heartbeat(): void;
}

/** A server with one path. */
export class ModelServer {
  /** The stored bytes. */
  bytes: Uint8Array = new Uint8Array(0);
  exists = false;
  /** Whether the server is running. */
  up = true;
  /** Whether the grace period of a session has ever run out. */
  graceRanOut = false;
  /** The offset up to which bytes were acknowledged, and must survive a crash. */
  promised = 0;
  /** How the client has violated the protocol; undefined if it has not. */
  violation: string | undefined;
  session: Session | undefined;
  /** Whether an append without a session is in progress, as in the follow simulation. */
  busy = false;
  readonly followers: Set<Follower> = new Set();
  /** Response bodies in transit. */
  bodies: SimulatedBody[] = [];
  /** Unacknowledged bytes that it allows, from the next connection on. */
  window: number;
  readonly #clock: VirtualClock;
  #sessions = 0;

  constructor(clock: VirtualClock, window: number) {
    this.#clock = clock;
    this.window = window;
  }

  get size(): number {
    return this.bytes.length;
  }

  /** Answers the upgrade request of an appender: with its end of the connection, or with a refusal. */
  append(query: URLSearchParams, connection: SimulatedConnection): ServerSide | Response {
    const token = query.get("session");
    if (token !== null) {
      if (this.session?.token !== token) return refusal(410, "gone");
    } else {
      const offset = query.get("offset");
      if (this.session) {
        return refusal(403, "conflict", this.session.connection ? {} : { "Retry-After": `${GRACE_MS / 1000}` });
      }
      if (offset !== null && Number(offset) !== this.size) return refusal(412, "precondition_failed");
      this.exists = true;
      this.session = {
        token: `s${++this.#sessions}`,
        connection: undefined,
        window: 0,
        pending: [],
        cancelGrace: () => {},
      };
    }
    const session = this.session as Session;
    this.#attach(session, connection);
    return {
      message: (bytes, text) => this.#take(session, connection, bytes, text),
      gone: () => this.#detach(session, connection),
    };
  }

  /** Answers the upgrade request of a follower. */
  follow(query: URLSearchParams, connection: SimulatedConnection): ServerSide | Response {
    const start = this.#startOf(query);
    if (start instanceof Response) return start;
    if (!this.busy) return this.#snapshot(start);
    const follower: Follower = {
      offset: start,
      send: (bytes) => connection.reply({ bytes, text: false }),
      heartbeat: () => control(connection, { type: "heartbeat", offset: follower.offset }),
      finish: (how) => {
        if (how !== "restart") control(connection, { type: "end", offset: follower.offset, reason: how });
        connection.reply({ code: how === "restart" ? 1012 : 1000, reason: "" });
      },
    };
    this.followers.add(follower);
    control(connection, { type: "start", offset: start });
    return { message: () => {}, gone: () => this.followers.delete(follower) };
  }

  /** Answers the HTTP request of a follower. */
  followOverHttp(query: URLSearchParams): Response {
    const start = this.#startOf(query);
    if (start instanceof Response) return start;
    if (!this.busy) return this.#snapshot(start);
    const body = this.#body();
    this.followers.add({
      offset: start,
      send: (bytes) => body.send(bytes),
      heartbeat: () => {},
      // The body can't tell how the append ended.
      finish: () => body.end(),
    });
    return new Response(body.stream, { headers: { "Stream-Start-Offset": String(start) } });
  }

  /** Stores at most `most` of the received bytes, and acknowledges them. */
  store(most: number): void {
    const { session } = this;
    const piece = session?.pending[0];
    if (!session || !piece) return;
    const part = piece.subarray(0, most);
    if (part.length === piece.length) session.pending.shift();
    else session.pending[0] = piece.subarray(most);
    this.grow(part);
    // Without a connection, the bytes stay unacknowledged.
    if (!session.connection) return;
    this.promised = this.size;
    control(session.connection, { type: "ack", offset: this.size });
  }

  /** Appends to the stored bytes. */
  grow(more: Uint8Array): void {
    const grown = new Uint8Array(this.size + more.length);
    grown.set(this.bytes);
    grown.set(more, this.size);
    this.bytes = grown;
  }

  /** Sends a follower at most `most` of the next bytes. */
  feed(follower: Follower, most: number): void {
    const bytes = this.bytes.slice(follower.offset, follower.offset + most);
    follower.offset += bytes.length;
    follower.send(bytes);
  }

  /** Ends the append without a session: its followers get the rest and the reason. */
  end(reason: Reason): void {
    this.busy = false;
    for (const follower of this.followers) {
      this.feed(follower, Number.POSITIVE_INFINITY);
      follower.finish(reason);
    }
    this.followers.clear();
  }

  /** Kills the server. It loses all bytes that are not stored, and stored bytes beyond both `promised` and `keep`. */
  crash(keep: number): void {
    this.up = false;
    this.bytes = this.bytes.slice(0, Math.max(this.promised, Math.min(keep, this.size)));
    if (this.session) this.session.pending = [];
    this.#drop();
  }

  /** Shuts the server down: it stores what it has received, and closes all connections. */
  restartSoon(): void {
    this.#storeAll();
    for (const follower of this.followers) follower.finish("restart");
    this.session?.connection?.reply({ code: 1012, reason: "restarting" });
    this.up = false;
    this.#drop();
  }

  /** Starts the server again, with the stored bytes. */
  restart(): void {
    this.up = true;
    if (this.session) this.#wait(this.session);
  }

  #startOf(query: URLSearchParams): number | Response {
    if (!this.exists) return refusal(404, "not_found");
    const tail = query.get("tail");
    if (tail !== null) return Math.max(0, this.size - Number(tail));
    const asked = query.get("offset") ?? "0";
    const offset = asked === "now" ? this.size : Number(asked);
    return offset > this.size ? refusal(416, "range") : offset;
  }

  #snapshot(start: number): Response {
    const body = this.#body();
    body.send(this.bytes.slice(start));
    body.end();
    const headers = { "Stream-Start-Offset": String(start), "Stream-Next-Offset": String(this.size) };
    return new Response(body.stream, { headers });
  }

  #body(): SimulatedBody {
    const body = new SimulatedBody();
    this.bodies.push(body);
    return body;
  }

  #drop(): void {
    this.session?.cancelGrace();
    if (this.session) this.session.connection = undefined;
    this.followers.clear();
  }

  #attach(session: Session, connection: SimulatedConnection): void {
    session.connection?.reply({ code: 4001, reason: "superseded" });
    session.connection = connection;
    session.cancelGrace();
    session.window = this.window;
    this.#storeAll();
    this.promised = this.size;
    control(connection, { type: "start", offset: this.size, session: session.token, window: this.window });
  }

  #take(session: Session, connection: SimulatedConnection, bytes: Uint8Array, text: boolean): void {
    if (session.connection !== connection || this.session !== session) return;
    if (!text) {
      session.pending.push(bytes);
      const inFlight = session.pending.reduce((sum, piece) => sum + piece.length, 0);
      if (inFlight > session.window) this.violation = `${inFlight} bytes in flight, the window is ${session.window}`;
      return;
    }
    if (new TextDecoder().decode(bytes) !== '{"type":"end"}') return;
    this.#storeAll();
    this.promised = this.size;
    this.session = undefined;
    control(connection, { type: "ack", offset: this.size });
    control(connection, { type: "end", offset: this.size });
    connection.reply({ code: 1000, reason: "" });
  }

  #detach(session: Session, connection: SimulatedConnection): void {
    if (session.connection !== connection || this.session !== session) return;
    session.connection = undefined;
    this.#wait(session);
  }

  #wait(session: Session): void {
    session.cancelGrace();
    session.cancelGrace = this.#clock.after(GRACE_MS, () => {
      if (this.session !== session || session.connection) return;
      this.#storeAll();
      this.session = undefined;
      this.graceRanOut = true;
    });
  }

  #storeAll(): void {
    for (const piece of this.session?.pending ?? []) this.grow(piece);
    if (this.session) this.session.pending = [];
  }
}

function control(connection: SimulatedConnection, message: object): void {
  connection.reply({ bytes: new TextEncoder().encode(JSON.stringify(message)), text: true });
}

function refusal(status: number, code: string, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers: { "Stream-Error": code, ...headers } });
}
