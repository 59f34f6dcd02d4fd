/**
 * Sizes of messages on the wire that no limit changes.
 * @module
 */

/**
 * Bytes of the largest text message sent to a follower: the original Go program reads 32 KiB of a message and drops the
 * rest without an error.
 */
export const TEXT_MESSAGE_BYTES: number = 32_768;

/** Bytes of the largest control message of `httpfstream.v1`, and of the largest message that a follower may send. */
export const CONTROL_BYTES: number = 64 * 1024;
