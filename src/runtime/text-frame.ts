/**
 * Text frames on runtimes whose sockets take strings only.
 * @module
 */
import type { Frame } from "../core/frame.ts";

/** Why a follower is closed with 1007, and what helps. */
export const UNTEXTABLE = "These bytes are not UTF-8 text. Follow with the subprotocol httpfstream.v1, or over HTTP.";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The frame as a string, decoded once for all followers; nothing when its bytes are not UTF-8. */
export function decodeText(frame: Frame): string | undefined {
  try {
    frame.encoded ??= decoder.decode(frame.bytes);
    return frame.encoded as string;
  } catch {
    return undefined;
  }
}
