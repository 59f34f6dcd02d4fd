/**
 * Why a runtime has ended a WebSocket by itself, in this project's words.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { MessageLimits } from "../../server/platform/message-limits.ts";

/** What the runtimes say of a message that is too large, and of text that is not UTF-8. */
const TOO_LARGE = /too (big|large)|exceeded|payload length/i;
const NOT_TEXT = /utf-?8/i;

/**
 * The error that a peer has made.
 *
 * @param said What the runtime says of it.
 * @param most How large the peer's messages may be.
 */
export function refusalOf(said: string, most: MessageLimits): StreamError {
  if (TOO_LARGE.test(said)) {
    const { text, binary } = most;
    return (text.bytes > binary.bytes ? text : binary).refusal();
  }
  if (NOT_TEXT.test(said)) {
    const message = "Text that is not UTF-8 can't be kept here: send binary frames, or use httpfstream.v1.";
    return new StreamError("not_text", message);
  }
  return new StreamError("protocol", `The client broke the rules of WebSockets: ${said}.`);
}
