/**
 * Where a reader of a Durable Streams server is. Such a server identifies places by tokens that only it understands, and
 * only those between its responses. So a place is a token and a number of bytes behind it.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/** A place in a stream. */
export interface Place {
  /** The token: what the server called `Stream-Next-Offset`, or one of `-1` for the first byte and `now` for the end. */
  readonly token: string;
  /** Bytes of the follow behind that token. */
  readonly skip: number;
}

/** Longest place that is accepted, in characters. The protocol limits tokens to 256. */
const MAX_CHARACTERS = 300;

/**
 * Formats a place, as `FollowStream.position` has it.
 *
 * @example
 * ```ts
 * formatPlace({ token: "0000_0042", skip: 7 }); // "7@0000_0042"
 * ```
 */
export function formatPlace({ token, skip }: Place): string {
  return `${skip}@${token}`;
}

/**
 * Parses what {@link formatPlace} returns, or a bare token, such as the `Stream-Next-Offset` of a response.
 *
 * @throws {StreamError} `bad_request` for a text that no server can have sent.
 * @example
 * ```ts
 * parsePlace("7@0000_0042"); // { token: "0000_0042", skip: 7 }
 * parsePlace("0000_0042"); // { token: "0000_0042", skip: 0 }
 * ```
 */
export function parsePlace(text: string): Place {
  const [, skip = "0", token = ""] = /^(?:(\d{1,15})@|(?!\d+@))([^,&=?/\s]+)$/.exec(text) ?? [];
  if (token !== "" && text.length <= MAX_CHARACTERS) return { token, skip: Number(skip) };
  throw new StreamError("bad_request", `${JSON.stringify(text)} is not a position that a follow has named.`);
}
