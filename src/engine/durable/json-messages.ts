/**
 * JSON streams: every message is one line of compact JSON, so that the file is NDJSON.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

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
  const text = parsedText(body);
  let lines = "";
  for (const message of messagesIn(text)) lines += `${message}\n`;
  return encoder.encode(lines);
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
  try {
    for (const line of decoder.decode(bytes.subarray(0, -1)).split("\n")) JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/**
 * The array that lines of JSON stand for: of the same length and one byte more, whatever they contain.
 *
 * @param lines Complete lines. Modified.
 * @example
 * ```ts
 * // "1\n2\n" becomes "[1,2]"
 * ```
 */
export function jsonArray(lines: Uint8Array): Uint8Array {
  const array = new Uint8Array(Math.max(2, lines.length + 1));
  array[0] = 0x5b;
  array.set(lines, 1);
  for (let at = array.indexOf(NEWLINE); at !== -1; at = array.indexOf(NEWLINE, at + 1)) array[at] = COMMA;
  array[array.length - 1] = 0x5d;
  return array;
}

function parsedText(body: Uint8Array): string {
  try {
    const text = decoder.decode(body);
    JSON.parse(text);
    return text;
  } catch (error) {
    throw new StreamError("not_json", "The body is not valid JSON. Nothing was stored.", { cause: error });
  }
}

/** The compact texts of the messages in valid JSON. */
function messagesIn(text: string): string[] {
  const messages: string[] = [];
  const isArray = /^\s*\[/.test(text);
  let depth = 0;
  let message = "";
  for (let at = 0, end = 0; at < text.length; at = end) {
    const token = text.charAt(at);
    end = tokenEnd(text, at);
    if (" \t\r\n".includes(token)) continue;
    if (token === "]" || token === "}") depth--;
    // The brackets of the array, and the commas between its elements.
    const isOfArray = isArray && (depth === 0 || (depth === 1 && token === ","));
    if (!isOfArray) message += text.slice(at, end);
    else if (message !== "") messages.push(message);
    if (isOfArray) message = "";
    if (token === "[" || token === "{") depth++;
  }
  return message === "" ? messages : [...messages, message];
}

/** The index just past the token that begins at an index. */
function tokenEnd(text: string, from: number): number {
  if (text.charAt(from) === '"') return stringEnd(text, from);
  let at = from;
  while (/[\w.+-]/.test(text.charAt(at))) at++;
  return Math.max(at, from + 1);
}

/** The index just past a string literal. */
function stringEnd(text: string, from: number): number {
  let at = from + 1;
  for (let code = text.charCodeAt(at); code !== QUOTE; code = text.charCodeAt(at)) at += code === BACKSLASH ? 2 : 1;
  return at + 1;
}
