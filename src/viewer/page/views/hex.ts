/**
 * Bytes as hexadecimal numbers, 16 per row.
 * @module
 */
import { type Line, Lines } from "../bytes/lines.ts";

const ROW_BYTES = 16;

const ENCODER = new TextEncoder();

/** Groups of 16 bytes in place of lines, formatted as text. */
export class HexLines extends Lines {
  override async floor(offset: number): Promise<number> {
    return offset - (offset % ROW_BYTES);
  }

  override async line(offset: number): Promise<Line> {
    const next = Math.min(this.size, offset + ROW_BYTES);
    const bytes = ENCODER.encode(hexRow(await this.bytes(offset, next)));
    return { offset, bytes, next, isEnded: next - offset === ROW_BYTES, more: 0 };
  }

  override number(): number | undefined {
    return undefined;
  }

  override startsAt(offset: number): boolean {
    return offset % ROW_BYTES === 0;
  }

  override async find(): Promise<number | undefined> {
    return undefined;
  }
}

/** Formats bytes as numbers, and as characters where they are printable ASCII. */
function hexRow(bytes: Uint8Array): string {
  const numbers = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  const halves = [numbers.slice(0, 8).join(" "), numbers.slice(8).join(" ")].join("  ");
  const text = Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
  return `${halves.padEnd(49)} ${text}`;
}
