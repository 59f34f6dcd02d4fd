/**
 * The constants of `httpfstream.v1` that servers and clients share.
 * @module
 */

/** The subprotocol's name in `Sec-WebSocket-Protocol`. */
export const PROTOCOL = "httpfstream.v1";

/** The close code of a connection whose session was resumed on a newer connection. */
export const SUPERSEDED = 4001;

/** The close code of a connection whose token has expired. */
export const TOKEN_EXPIRED = 4003;
