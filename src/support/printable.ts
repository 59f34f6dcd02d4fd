/**
 * Text of other people, made safe for a line of a log or of a terminal.
 * @module
 */

/**
 * C0 and C1 control characters with DEL, the line and paragraph separators, what turns the direction of text around,
 * and halves of surrogate pairs, which have no encoding.
 */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\p{Surrogate}]/gu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u001b": "\\e" };

/** The value of an access token in a query; browsers can't send it to a WebSocket in any other way. */
const TOKEN = /([?&]access_token=)[^&#\s"']+/gi;

/**
 * Text that can neither end its line, nor control a terminal, nor show itself in another order. The value of an
 * `access_token` in a URL is left out.
 *
 * @example
 * ```ts
 * printable("a\n\u001b[31mb"); // "a\\n\\e[31mb"
 * printable("ws://host/a?access_token=s3cret"); // "ws://host/a?access_token=…"
 * ```
 */
export function printable(text: string): string {
  return withoutTokens(text).replace(UNPRINTABLE, (char) => SHORT[char] ?? escaped(char));
}

/**
 * JSON with the same characters as escapes of JSON, which mean the same to its reader. Tokens are left out as well.
 *
 * @example
 * ```ts
 * printableJson(JSON.stringify({ path: "/\u202eb" })); // '{"path":"/\\u202eb"}'
 * ```
 */
export function printableJson(json: string): string {
  return withoutTokens(json).replace(UNPRINTABLE, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function withoutTokens(text: string): string {
  return text.includes("access_token") ? text.replace(TOKEN, "$1…") : text;
}

/**
 * An error with its causes, in one printable line.
 *
 * @param error What was thrown.
 * @param sentence What has failed, where that is not what the error says itself.
 * @example
 * ```ts
 * explained(new Error("can't write", { cause: new Error("EIO") })); // "can't write (EIO)"
 * ```
 */
export function explained(error: unknown, sentence: string = messageOf(error)): string {
  const causes = causesOf(error, sentence);
  return causes === "" ? printable(sentence) : `${printable(sentence)} (${causes})`;
}

/**
 * What an error and its causes say beside a sentence, in one printable line; empty where they say no more.
 *
 * @example
 * ```ts
 * causesOf(new Error("can't write", { cause: new Error("EIO") }), "can't write"); // "EIO"
 * ```
 */
export function causesOf(error: unknown, sentence: string): string {
  const causes: string[] = [];
  const seen = new Set<unknown>();
  for (let part = error; part !== undefined && !seen.has(part); part = causeOf(part)) {
    seen.add(part);
    const said = messageOf(part);
    if (said !== sentence && !causes.includes(said)) causes.push(said);
  }
  return printable(causes.join("; "));
}

/**
 * Where an error was thrown, in printable words to put behind its sentence; empty where nothing tells.
 *
 * @example
 * ```ts
 * placeOf(new Error("oh")); // " at file:///app/main.ts:3:9"
 * ```
 */
export function placeOf(error: unknown): string {
  const stack = error instanceof Error && typeof error.stack === "string" ? error.stack : "";
  const frame = stack.split("\n").find((line) => /^\s+at /.test(line));
  return frame === undefined ? "" : printable(` ${frame.trim()}`);
}

/** What an error says; of a value that is none, its text. */
function messageOf(error: unknown): string {
  return error instanceof Error ? String(error.message) : String(error);
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
