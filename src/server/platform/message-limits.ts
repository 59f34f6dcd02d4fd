/**
 * Limits on the size of a WebSocket peer's messages, known before a message is buffered.
 * @module
 */

import type { Limits } from "../../engine/limits.ts";
import { StreamError } from "../../protocol/errors.ts";
import { CONTROL_BYTES } from "../../protocol/message-sizes.ts";

/** The limit of one kind of message. */
export interface MessageLimit {
  /** Maximum size of a message in bytes, over all its fragments. */
  readonly bytes: number;
  /** The error that refuses a larger message. */
  refusal(): StreamError;
}

/** The limits of one connection. */
export interface MessageLimits {
  readonly text: MessageLimit;
  readonly binary: MessageLimit;
}

/** Limits messages to a number of bytes; a larger one is refused with close code 1009. */
export function atMost(bytes: number): MessageLimit {
  const message = `A message may have at most ${bytes} bytes. Send smaller messages.`;
  return { bytes, refusal: () => new StreamError("too_large", message) };
}

const CONTROL: MessageLimit = {
  bytes: CONTROL_BYTES,
  refusal: () => new StreamError("too_large", `A control message may have at most ${CONTROL_BYTES} bytes.`),
};

const IGNORED = atMost(CONTROL_BYTES);

/** Limits for followers, whose messages have no meaning. */
export const FOLLOWER_LIMITS: MessageLimits = { text: IGNORED, binary: IGNORED };

/** Limits for classic appenders, which send data in text and binary frames. */
export function classicLimits({ messageBytes }: Pick<Limits, "messageBytes">): MessageLimits {
  const data = atMost(messageBytes);
  return { text: data, binary: data };
}

/** Limits for `httpfstream.v1` appenders: data is binary, and never larger than the window. */
export function sessionLimits({
  messageBytes,
  windowBytes,
}: Pick<Limits, "messageBytes" | "windowBytes">): MessageLimits {
  const window = { bytes: windowBytes, refusal: () => windowExceeded(windowBytes) };
  return { text: CONTROL, binary: windowBytes <= messageBytes ? window : atMost(messageBytes) };
}

/** The error for a client that has more bytes in flight than its window allows. */
export function windowExceeded(windowBytes: number): StreamError {
  return new StreamError("protocol", `More than the window of ${windowBytes} bytes is in flight.`);
}
