/**
 * Translates a runtime's reason for ending a WebSocket into an error of this project.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { MessageLimits } from "../../server/platform/message-limits.ts";

/** What the runtimes report for a message that is too large, and for text that is not UTF-8. */
const TOO_LARGE = /too (big|large)|exceeded|payload length/i;
const NOT_TEXT = /utf-?8/i;

/**
 * The error for a peer's mistake.
 *
 * @param reason The runtime's message.
 * @param max Maximum sizes of the peer's messages.
 */
export function refusalOf(reason: string, max: MessageLimits): StreamError {
  if (TOO_LARGE.test(reason)) {
    const { text, binary } = max;
    return (text.bytes > binary.bytes ? text : binary).refusal();
  }
  if (NOT_TEXT.test(reason)) {
    const message = "Text that is not UTF-8 can't be kept here: send binary frames, or use httpfstream.v1.";
    return new StreamError("not_text", message);
  }
  return new StreamError("protocol", `The client violated the WebSocket protocol: ${reason}.`);
}
