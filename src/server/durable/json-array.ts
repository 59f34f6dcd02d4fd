/**
 * A body of JSON lines as an array, byte by byte.
 * @module
 */
import { CLOSING_BRACKET, COMMA, NEWLINE, OPENING_BRACKET } from "../../support/ascii.ts";

/**
 * Turns complete lines into an array: the line ends become commas, and the last one the closing bracket. So the array has
 * one byte more than the lines.
 *
 * @param lines The bytes of the lines.
 * @param length How many there are.
 */
export function arrayOf(lines: ReadableStream<Uint8Array>, length: number): ReadableStream<Uint8Array> {
  const reader = lines.getReader();
  let left = length;
  let hasBegun = false;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!hasBegun) {
          hasBegun = true;
          controller.enqueue(Uint8Array.of(OPENING_BRACKET, ...(length === 0 ? [CLOSING_BRACKET] : [])));
          return;
        }
        const { done, value } = await reader.read();
        if (done) return controller.close();
        const piece = new Uint8Array(value);
        for (let at = piece.indexOf(NEWLINE); at !== -1; at = piece.indexOf(NEWLINE, at + 1)) piece[at] = COMMA;
        left -= piece.length;
        if (left === 0) piece[piece.length - 1] = CLOSING_BRACKET;
        controller.enqueue(piece);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
