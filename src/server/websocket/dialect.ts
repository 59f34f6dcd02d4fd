/**
 * The two message formats for WebSocket followers.
 * @module
 */
import type { Context } from "hono";
import type { Frame } from "../../engine/follow/frame.ts";
import type { EndedReason } from "../../protocol/end-reason.ts";
import { PROTOCOL } from "../../protocol/subprotocol.ts";
import type { SocketPort } from "../platform/platform.ts";
import { controlFrame } from "./control-frame.ts";

/** The messages that surround the data. */
export interface Dialect {
  /** The subprotocol to echo, if there is one. */
  readonly protocol?: string;
  /** Whether data travels in text frames. */
  readonly text: boolean;
  /** Sends what precedes the first data frame. The generation is empty for a path that does not exist. */
  begin?(port: SocketPort, offset: number, generation: string): void;
  /** Sends what follows the last data frame. */
  end?(port: SocketPort, offset: number, reason: EndedReason, isClosed: boolean): void;
  /** Sends that nothing is appended at present, and how the last append ended. */
  idle?(port: SocketPort, offset: number, reason: EndedReason): void;
  /** Sends a heartbeat after a long quiet period; only where the client knows its meaning. */
  beat?(port: SocketPort, offset: number): void;
}

/** The format of the original program: only text frames with data. The close code says the rest. */
export const CLASSIC: Dialect = { text: true };

/** The latest start, because many followers of a path may connect at the same offset. */
let latest: { offset: number; generation: string; frame: Frame } | undefined;

function startFrame(offset: number, generation: string): Frame {
  if (latest?.offset === offset && latest.generation === generation) return latest.frame;
  const frame = controlFrame({ type: "start", offset, ...(generation && { generation }) });
  latest = { offset, generation, frame };
  return frame;
}

/** `httpfstream.v1`: binary frames with data, text frames with control messages. */
export const V1: Dialect = {
  protocol: PROTOCOL,
  text: false,
  begin: (port, offset, generation) => port.send(startFrame(offset, generation)),
  end: (port, offset, reason, isClosed) =>
    port.send(controlFrame({ type: "end", offset, reason, ...(isClosed && { closed: true }) })),
  idle: (port, offset, reason) => port.send(controlFrame({ type: "idle", offset, reason })),
  beat: (port, offset) => port.send(controlFrame({ type: "heartbeat", offset })),
};

/** Whether the client offers the subprotocol. */
export function offersV1(c: Context): boolean {
  const offered = (c.req.header("Sec-WebSocket-Protocol") ?? "").split(",");
  return offered.some((name) => name.trim() === PROTOCOL);
}
