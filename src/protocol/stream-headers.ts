/**
 * The names of the headers of Durable Streams.
 * @module
 */

/** Set to `true` on a closed stream, and by a request that closes one. */
export const CLOSED_HEADER = "Stream-Closed";

/** Set to `true` on a response that reaches the end of what is stored. */
export const UP_TO_DATE_HEADER = "Stream-Up-To-Date";

/** A number that makes repeated requests differ, so that a cache does not repeat a response. */
export const CURSOR_HEADER = "Stream-Cursor";

/** A text that must grow with each append. */
export const SEQ_HEADER = "Stream-Seq";

/** Seconds without a request after which a stream expires. */
export const TTL_HEADER = "Stream-TTL";

/** When a stream expires. */
export const EXPIRES_HEADER = "Stream-Expires-At";

/** How the data of server-sent events is encoded. */
export const ENCODING_HEADER = "Stream-SSE-Data-Encoding";

/** The headers that name the source of a fork. */
export const FORK_HEADERS = {
  from: "Stream-Forked-From",
  offset: "Stream-Fork-Offset",
  sub: "Stream-Fork-Sub-Offset",
} as const;

/** By which a server recognizes what it has stored already. */
export const PRODUCER_HEADERS = {
  id: "Producer-Id",
  epoch: "Producer-Epoch",
  seq: "Producer-Seq",
  expected: "Producer-Expected-Seq",
  received: "Producer-Received-Seq",
} as const;
