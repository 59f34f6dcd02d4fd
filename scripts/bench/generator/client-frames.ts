/**
 * Encodes WebSocket frames of a client, which are masked as RFC 6455 requires.
 * @module
 */
import { randomBytes } from "node:crypto";

/** The opcodes of RFC 6455, section 5.2. */
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** Returns the size of a frame with a payload of that size, in bytes. */
export function frameBytes(payload: number): number {
  return (payload < 126 ? 6 : payload < 65_536 ? 8 : 14) + payload;
}

/** Encodes one frame. */
export function clientFrame(opcode: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameBytes(payload.length));
  writeFrame(frame, 0, opcode, payload);
  return frame;
}

/** Writes a frame into a buffer and returns the position after it. */
export function writeFrame(into: Buffer, at: number, opcode: number, payload: Uint8Array): number {
  const size = payload.length;
  into[at] = 0x80 | opcode;
  let next = at + 2;
  if (size < 126) {
    into[at + 1] = 0x80 | size;
  } else if (size < 65_536) {
    into[at + 1] = 0x80 | 126;
    next = into.writeUInt16BE(size, next);
  } else {
    into[at + 1] = 0x80 | 127;
    next = into.writeBigUInt64BE(BigInt(size), next);
  }
  const mask = randomBytes(4);
  into.set(mask, next);
  next += 4;
  for (let index = 0; index < size; index++) {
    into[next + index] = (payload[index] as number) ^ (mask[index & 3] as number);
  }
  return next + size;
}
