/**
 * The escape sequences of terminals.
 * @module
 */

/**
 * Escape sequences as the search of the server knows them: CSI, strings such as OSC, others. One that is cut ends before
 * the first character that it can't have, at the latest with its line.
 */
export const ESCAPE: RegExp =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /\x1b(?:\[([ -?]*)([@-~]?)|[PX\]^_][^\n\x07\x18\x1a\x1b\x9c]*(?:[\x07\x18\x1a\x9c]|\x1b\\|)|[ -/]*[0-~]?)/g;

/** Goes up: `ESC [ n A`, `ESC [ n F` or `ESC M`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
const UP = /\x1b(?:\[\d*[AF]|M)/;

const ESCAPE_BYTE = 27;

/** One character for each byte. */
const LATIN = new TextDecoder("latin1");

/** Where some bytes first go up; -1 if they don't. */
export function firstUp(bytes: Uint8Array): number {
  return bytes.includes(ESCAPE_BYTE) ? LATIN.decode(bytes).search(UP) : -1;
}
