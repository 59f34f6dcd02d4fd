/**
 * JSON streams: every message is one line of compact JSON, so that the file is NDJSON.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import {
  BACKSLASH,
  CLOSING_BRACE,
  CLOSING_BRACKET,
  COMMA,
  DOUBLE_QUOTE,
  NEWLINE,
  OPENING_BRACE,
  OPENING_BRACKET,
} from "../../support/ascii.ts";
import { JsonScanner } from "../append/json-scanner.ts";

/** The bytes that some programs put before UTF-8 text. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/**
 * The lines to store for a body: an array is one message per element, any other value is one message. The text of a
 * message is kept, apart from white space between its tokens: numbers and duplicate keys stay as they were sent.
 *
 * @throws {StreamError} `not_json`
 * @example
 * ```ts
 * jsonLines(new TextEncoder().encode('[{"a": 1.0}, 2]')); // '{"a":1.0}\n2\n'
 * ```
 */
export function jsonLines(body: Uint8Array): Uint8Array {
  const bytes = withoutMark(body);
  if (!isJson(bytes)) {
    throw new StreamError(
      "not_json",
      "The body is not valid JSON, or is nested more than 1,000 levels deep. Nothing was stored.",
    );
  }
  return linesIn(bytes);
}

/**
 * Whether bytes are one value of JSON, nested at most 1,000 levels deep. A table reads each byte once; `JSON.parse` takes up
 * to a microsecond for a byte.
 *
 * @example
 * ```ts
 * isJson(new TextEncoder().encode('{"a": [1]}')); // true
 * ```
 */
export function isJson(bytes: Uint8Array): boolean {
  const scanner = new JsonScanner("value");
  return scanner.take(bytes) === bytes.length && scanner.tail === "value";
}

/** A body without the byte order mark that some programs put before it. */
export function withoutMark(body: Uint8Array): Uint8Array {
  const hasMark = BYTE_ORDER_MARK.every((byte, at) => body[at] === byte);
  return hasMark ? body.subarray(BYTE_ORDER_MARK.length) : body;
}

/**
 * Whether bytes are complete lines of JSON, one message each.
 *
 * @example
 * ```ts
 * isJsonLines(new TextEncoder().encode('1\n{"a":2}\n')); // true
 * ```
 */
export function isJsonLines(bytes: Uint8Array): boolean {
  if (bytes.length === 0) return true;
  if (bytes[bytes.length - 1] !== NEWLINE) return false;
  return new JsonScanner().take(bytes) === bytes.length;
}

/**
 * The array of the messages in lines of JSON. It is always one byte longer than the lines.
 *
 * @param lines Complete lines. Modified.
 * @example
 * ```ts
 * // "1\n2\n" becomes "[1,2]"
 * ```
 */
export function jsonArray(lines: Uint8Array): Uint8Array {
  const array = new Uint8Array(Math.max(2, lines.length + 1));
  array[0] = OPENING_BRACKET;
  array.set(lines, 1);
  for (let at = array.indexOf(NEWLINE); at !== -1; at = array.indexOf(NEWLINE, at + 1)) array[at] = COMMA;
  array[array.length - 1] = CLOSING_BRACKET;
  return array;
}

/** The lines of the messages in valid JSON. */
function linesIn(json: Uint8Array): Uint8Array {
  const lines = new Uint8Array(json.length + 1);
  const isArray = json.find((byte) => !isSpace(byte)) === OPENING_BRACKET;
  let length = 0;
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number;
    if (isSpace(byte)) continue;
    const end = byte === DOUBLE_QUOTE ? closingQuote(json, at) : at;
    while (at < end) lines[length++] = json[at++] as number;
    if (isClosing(byte)) depth--;
    // The brackets of the array, and the commas between its elements.
    const isOfArray = isArray && (depth === 0 || (depth === 1 && byte === COMMA));
    if (!isOfArray) lines[length++] = byte;
    else if (length > 0) lines[length++] = NEWLINE;
    if (isOpening(byte)) depth++;
  }
  if (!isArray) lines[length++] = NEWLINE;
  return lines.subarray(0, length);
}

function isOpening(byte: number): boolean {
  return byte === OPENING_BRACKET || byte === OPENING_BRACE;
}

function isClosing(byte: number): boolean {
  return byte === CLOSING_BRACKET || byte === CLOSING_BRACE;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** The index of the quote that ends a string literal. */
function closingQuote(json: Uint8Array, from: number): number {
  let at = from + 1;
  for (let byte = json[at]; byte !== DOUBLE_QUOTE; byte = json[at]) at += byte === BACKSLASH ? 2 : 1;
  return at;
}
