/**
 * The client's numbers, the unit in the name.
 * @module
 */

/** Largest frame an appender sends. Small frames let pings through between them on a slow line. */
export const FRAME_BYTES: number = 64 * 1024;

/** Bytes of the largest message to a classic server: the original reads as many of one, and drops the rest without an error. */
export const CLASSIC_MESSAGE_BYTES: number = 10_240;

/** Bytes handed to a socket that have not left yet, before a writer has to wait. */
export const SEND_BUFFER_BYTES: number = 1024 * 1024;

/** Bytes that arrived and were not read yet, before the socket is paused. */
export const RECEIVE_BUFFER_BYTES: number = 1024 * 1024;

/** As above, before a socket that cannot be paused is given up for a connection that can. */
export const RECEIVE_OVERFLOW_BYTES: number = 8 * 1024 * 1024;

/** Milliseconds that a server may take to answer a handshake. */
export const HANDSHAKE_TIMEOUT_MS: number = 30_000;

/**
 * Milliseconds that a server may take to answer a close. It stores everything sent before it answers, and a slow disk
 * must not cost the last bytes.
 */
export const CLOSE_TIMEOUT_MS: number = 300_000;

/** Milliseconds that a server may take to say what it is. */
export const PROBE_TIMEOUT_MS: number = 5_000;

/** Milliseconds between two signs of life of a quiet appender: the original server cuts off after 25 s without one. */
export const KEEPALIVE_INTERVAL_MS: number = 10_000;

/** Milliseconds between two looks at a socket that does not tell when it has room again. */
export const DRAIN_POLL_MS: number = 10;

/** Most of a refusal's text that is read for the error's message. */
export const REFUSAL_TEXT_BYTES: number = 1024;

/** Milliseconds without progress after which a broken append or follow is given up, where the caller says nothing. */
export const RETRY_FOR_MS: number = 120_000;

/** The longest that the first of several attempts waits; it doubles from one to the next. */
export const BACKOFF_FIRST_MS: number = 100;

/** The longest that any attempt waits, in milliseconds, where the server does not ask for more. */
export const BACKOFF_MOST_MS: number = 15_000;

/** Milliseconds over which those spread who were sent away by a server that restarts. */
export const RESTART_SPREAD_MS: number = 2_000;

/** Milliseconds after which an open connection counts as progress, although nothing came or went on it. */
export const STEADY_MS: number = 5_000;

/** Milliseconds in which an attempt that was given up unanswered may still reach a server. */
export const STRAY_MS: number = 60_000;

/** Such attempts that a program may have left behind that ended, and whose append is resumed. */
export const FORMER_STRAYS: number = 3;

/** Milliseconds without a sign of life after which a connection is taken for dead; a server gives three in that time. */
export const SILENCE_MS: number = 45_000;

/** Most unacknowledged bytes that an appender keeps, whatever window the server offers. */
export const RETAINED_BYTES: number = 64 * 1024 * 1024;

/** Milliseconds that a server may take to close a connection after its last word. */
export const LEAVE_TIMEOUT_MS: number = 3_000;

/** How often it is asked whether an append whose end was not confirmed is complete; a server may still be at it. */
export const COMPLETION_CHECKS: number = 5;

/** Redirects that one request follows. */
export const MOST_REDIRECTS: number = 10;
