/**
 * A follower of any dialect.
 * @module
 */

import { CLOSE, clientFrame, PING, PONG } from "./client-frames.ts";
import { type Body, Connection, type Head, Outgoing, upgradeHeaders } from "./connection.ts";
import { httpBody } from "./http-body.ts";
import type { FollowDialect } from "./protocol.ts";
import { SseBody } from "./sse-body.ts";
import { WebSocketBody } from "./websocket-body.ts";

/** Callbacks of a follower. */
export interface FollowerEvents {
  /** The server has accepted the follower, and in v1 has sent `start`. */
  opened(): void;
  /** Data: the bytes from `from` up to `to`, exclusive, which are overwritten after the call. */
  data(bytes: Buffer, from: number, to: number): void;
  /** The connection has closed. */
  closed(reason: string): void;
}

/**
 * Creates a follower's request. Followers of one path may share it with its key, as the accept value is not checked.
 */
export function followRequest(url: URL, dialect: FollowDialect): Outgoing {
  if (dialect === "v1") return new Outgoing({ url, headers: upgradeHeaders("httpfstream.v1") });
  if (dialect === "frames") return new Outgoing({ url, headers: upgradeHeaders(undefined) });
  return new Outgoing({ url, headers: { Accept: dialect === "sse" ? "text/event-stream" : "*/*" } });
}

/** A connected follower. */
export class Follower {
  readonly #connection: Connection;
  readonly #dialect: FollowDialect;
  readonly #events: FollowerEvents;
  #said = "";

  /** Connects. */
  constructor(request: Outgoing, dialect: FollowDialect, events: FollowerEvents) {
    this.#dialect = dialect;
    this.#events = events;
    this.#connection = new Connection(request, {
      opened: (head) => this.#opened(head),
      closed: (error) => events.closed(error?.message ?? (this.#said || "the server closed the connection")),
    });
  }

  /** Stops reading. */
  stall(): void {
    this.#connection.stall();
  }

  /** Continues reading. */
  resume(): void {
    this.#connection.resume();
  }

  /** Drops the connection. */
  drop(): void {
    this.#connection.drop();
  }

  #opened(head: Head): Body {
    const dialect = this.#dialect;
    const events = this.#events;
    const data: Body = { feed: (bytes, from, to) => events.data(bytes, from, to) };
    const isSocket = dialect === "v1" || dialect === "frames";
    if (head.status !== (isSocket ? 101 : 200)) throw new Error(`the server answered with status ${head.status}`);
    // In v1 the follower is open after the server's `start` message.
    if (dialect !== "v1") events.opened();
    if (!isSocket) {
      const inner = dialect === "sse" ? new SseBody(data, (event) => event === "control") : data;
      return httpBody(head, inner, () => {
        this.#said = "the response has ended";
      });
    }
    return new WebSocketBody({
      textIsControl: dialect === "v1",
      data: (bytes, from, to) => events.data(bytes, from, to),
      control: (opcode, payload) => this.#control(opcode, payload),
    });
  }

  #control(opcode: number, payload: Buffer): void {
    if (opcode === PING) {
      this.#connection.socket.write(clientFrame(PONG, payload));
    } else if (opcode === CLOSE) {
      this.#said = `the server said ${payload.length < 2 ? "close" : payload.readUInt16BE(0)} ${payload.subarray(2)}`;
      this.#connection.socket.end(clientFrame(CLOSE, payload.subarray(0, 2)));
    } else if (JSON.parse(String(payload)).type === "start") {
      this.#events.opened();
    }
  }
}
