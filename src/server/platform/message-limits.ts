/**
 * How large the messages of a WebSocket's peer may be: known before they are gathered.
 * @module
 */

import type { Limits } from "../../engine/limits.ts";
import { StreamError } from "../../protocol/errors.ts";
import { CONTROL_BYTES } from "../../protocol/message-sizes.ts";

/** The limit of one kind of message. */
export interface MessageLimit {
  /** Bytes that a message may have, all its fragments together. */
  readonly bytes: number;
  /** Why a larger one is refused. */
  refusal(): StreamError;
}

/** The limits of one connection. */
export interface MessageLimits {
  readonly text: MessageLimit;
  readonly binary: MessageLimit;
}

/** At most so many bytes in a message, or else 1009. */
export function atMost(bytes: number): MessageLimit {
  const message = `A message may have ${bytes} bytes at most. Send smaller ones.`;
  return { bytes, refusal: () => new StreamError("too_large", message) };
}

const CONTROL: MessageLimit = {
  bytes: CONTROL_BYTES,
  refusal: () => new StreamError("too_large", `A control message may have ${CONTROL_BYTES} bytes at most.`),
};

const IGNORED = atMost(CONTROL_BYTES);

/** For followers, whose messages mean nothing here. */
export const FOLLOWER_LIMITS: MessageLimits = { text: IGNORED, binary: IGNORED };

/** For classic appenders: data in frames of either kind. */
export function classicLimits({ messageBytes }: Pick<Limits, "messageBytes">): MessageLimits {
  const data = atMost(messageBytes);
  return { text: data, binary: data };
}

/** For appenders of `httpfstream.v1`: data is binary, and never more than the window. */
export function sessionLimits({
  messageBytes,
  windowBytes,
}: Pick<Limits, "messageBytes" | "windowBytes">): MessageLimits {
  const window = { bytes: windowBytes, refusal: () => overrun(windowBytes) };
  return { text: CONTROL, binary: windowBytes <= messageBytes ? window : atMost(messageBytes) };
}

/** The client has sent more than it may have in flight. */
export function overrun(windowBytes: number): StreamError {
  return new StreamError("protocol", `More than the window of ${windowBytes} bytes is in flight.`);
}
