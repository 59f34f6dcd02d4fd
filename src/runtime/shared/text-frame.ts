/**
 * Text frames on runtimes whose sockets accept only strings.
 * @module
 */
import type { Frame } from "../../engine/follow/frame.ts";
import { textPieces } from "../../protocol/utf8.ts";

/** Close reason for 1007, with the remedy. */
export const NOT_UTF8 = "These bytes are not UTF-8 text. Follow with the subprotocol httpfstream.v1, or over HTTP.";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The messages of a text frame, decoded once for all followers; `undefined` if its bytes are not UTF-8. */
export function decodeText(frame: Frame): readonly string[] | undefined {
  try {
    frame.encoded ??= textPieces(frame.bytes).map((piece) => decoder.decode(piece));
    return frame.encoded as readonly string[];
  } catch {
    return undefined;
  }
}
