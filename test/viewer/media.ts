/**
 * The smallest media, for the tests of the viewer.
 * @module
 */

/** An image of one pixel. */
export const PNG: Buffer = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const SAMPLES = 8_000;

/** A second of silence. */
export const WAV: Buffer = Buffer.concat([
  ...[Buffer.from("RIFF"), number(36 + SAMPLES, 4), Buffer.from("WAVEfmt "), number(16, 4), number(1, 2), number(1, 2)],
  ...[number(8_000, 4), number(8_000, 4), number(1, 2), number(8, 2), Buffer.from("data"), number(SAMPLES, 4)],
  Buffer.alloc(SAMPLES, 128),
]);

function number(value: number, bytes: number): Buffer {
  const written = Buffer.alloc(bytes);
  written.writeUIntLE(value, 0, bytes);
  return written;
}
