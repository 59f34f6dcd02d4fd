/**
 * The names of `httpfstream.v1` that servers and clients share.
 * @module
 */

/** The subprotocol's name in `Sec-WebSocket-Protocol`. */
export const PROTOCOL = "httpfstream.v1";

/** The close code for a connection whose session has been resumed on a newer one. */
export const SUPERSEDED = 4001;
