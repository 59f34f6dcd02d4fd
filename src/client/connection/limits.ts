/**
 * The limits and intervals of the client, with the unit in the name.
 * @module
 */

/** Largest frame that an appender sends, in bytes. Pings fit between small frames on a slow connection. */
export const FRAME_BYTES: number = 64 * 1024;

/**
 * Largest message to a classic server, in bytes: the original reads this many bytes of a message and drops the rest
 * silently.
 */
export const CLASSIC_MESSAGE_BYTES: number = 10_240;

/** High-water mark of the send buffer in bytes, above which a writer waits. */
export const SEND_BUFFER_BYTES: number = 1024 * 1024;

/** High-water mark of received, unread bytes, above which the socket is paused. */
export const RECEIVE_BUFFER_BYTES: number = 1024 * 1024;

/** Received, unread bytes above which a socket that cannot be paused is dropped in favor of HTTP. */
export const RECEIVE_OVERFLOW_BYTES: number = 8 * 1024 * 1024;

/** Milliseconds that a server may take to answer a handshake. */
export const HANDSHAKE_TIMEOUT_MS: number = 30_000;

/**
 * Milliseconds that a server may take to answer a close frame. It stores all bytes sent before it answers, and a slow
 * disk must not cost the last bytes.
 */
export const CLOSE_TIMEOUT_MS: number = 300_000;

/** Milliseconds that the probe for the original server may take. */
export const PROBE_TIMEOUT_MS: number = 5_000;

/** Milliseconds between keepalives of an idle appender. The original server disconnects after 25 s without one. */
export const KEEPALIVE_INTERVAL_MS: number = 10_000;

/** Poll interval in milliseconds for sockets that have no drain event. */
export const DRAIN_POLL_MS: number = 10;

/** Maximum characters of a refusal's body that are read for the error message. */
export const REFUSAL_TEXT_CHARACTERS: number = 1024;

/** Default number of milliseconds without progress after which a broken append or follow gives up. */
export const RETRY_FOR_MS: number = 120_000;

/** Upper bound of the delay before the first retry, in milliseconds; it doubles with every failure. */
export const BACKOFF_FIRST_MS: number = 100;

/** Upper bound of the delay before any retry, in milliseconds, unless the server asks for more. */
export const BACKOFF_MAX_MS: number = 15_000;

/** Milliseconds over which clients spread their reconnects after a server restart. */
export const RESTART_SPREAD_MS: number = 2_000;

/** Milliseconds after which an open connection counts as progress, even if no bytes were transferred. */
export const STEADY_MS: number = 5_000;

/** Milliseconds during which an abandoned attempt may still reach a server. */
export const UNANSWERED_MS: number = 60_000;

/** Number of abandoned attempts to assume from an earlier run when its append is resumed. */
export const FORMER_UNANSWERED: number = 3;

/** Milliseconds of silence after which a connection counts as dead; a server sends three signs of life in that time. */
export const SILENCE_MS: number = 45_000;

/** Maximum number of unacknowledged bytes that an appender retains, regardless of the window that the server offers. */
export const RETAINED_BYTES: number = 64 * 1024 * 1024;

/** Milliseconds that a server may take to close a connection after the end of the stream. */
export const LEAVE_TIMEOUT_MS: number = 3_000;

/** Number of checks whether an append without a confirmed end is complete; the server may still be storing it. */
export const COMPLETION_CHECKS: number = 5;

/** Maximum number of redirects that one request follows. */
export const MAX_REDIRECTS: number = 10;

/** Maximum bytes of one request of an append to a Durable Streams server. A JSON message may have more. */
export const BATCH_BYTES: number = 256 * 1024;

/** Bytes of an append to a Durable Streams server that may wait for an answer, above which a writer waits. */
export const BATCH_WINDOW_BYTES: number = 1024 * 1024;

/** Maximum bytes of one JSON message of an append to a Durable Streams server. */
export const MESSAGE_BYTES: number = 16 * 1024 * 1024;

/** Milliseconds after which a long-poll without an answer counts as lost. Servers answer after 20 to 60 seconds. */
export const LONG_POLL_MS: number = 90_000;
