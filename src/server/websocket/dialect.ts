/**
 * The two ways in which a WebSocket follower is spoken to.
 * @module
 */
import type { Context } from "hono";
import type { EndedReason } from "../../protocol/end-reason.ts";
import { PROTOCOL } from "../../protocol/subprotocol.ts";
import type { SocketPort } from "../platform/platform.ts";
import { controlFrame } from "./control-frame.ts";

/** What is said around the data. */
export interface Dialect {
  /** The subprotocol to echo, if it is one. */
  readonly protocol?: string;
  /** Whether data travels in text frames. */
  readonly text: boolean;
  /** Said before the first data frame. */
  begin?(port: SocketPort, offset: number, generation: string): void;
  /** Said after the last one. */
  end?(port: SocketPort, offset: number, reason: EndedReason): void;
  /** Said in between, when it has been quiet for long; only where the other side knows what it means. */
  beat?(port: SocketPort, offset: number): void;
}

/** As the original: text frames with data, and nothing else. The close code says it all. */
export const CLASSIC: Dialect = { text: true };

/** `httpfstream.v1`: binary frames with data, text frames with control messages. */
export const V1: Dialect = {
  protocol: PROTOCOL,
  text: false,
  begin: (port, offset, generation) => port.send(controlFrame({ type: "start", offset, generation })),
  end: (port, offset, reason) => port.send(controlFrame({ type: "end", offset, reason })),
  beat: (port, offset) => port.send(controlFrame({ type: "heartbeat", offset })),
};

/** Whether the client offers the subprotocol. */
export function offersV1(c: Context): boolean {
  const offered = (c.req.header("Sec-WebSocket-Protocol") ?? "").split(",");
  return offered.some((name) => name.trim() === PROTOCOL);
}
