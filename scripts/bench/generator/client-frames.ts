/**
 * WebSocket frames of a client: masked, as the standard wants them.
 * @module
 */
import { randomBytes } from "node:crypto";

/** Opcodes. */
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** How long a frame with so much payload is. */
export function frameBytes(payload: number): number {
  return (payload < 126 ? 6 : payload < 65_536 ? 8 : 14) + payload;
}

/** One frame. */
export function clientFrame(opcode: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameBytes(payload.length));
  writeFrame(frame, 0, opcode, payload);
  return frame;
}

/** Writes a frame and returns where it ends. */
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
