/**
 * Makes untrusted text safe for a line of a log or of a terminal.
 * @module
 */

/**
 * C0 and C1 control characters including DEL, line and paragraph separators, bidirectional controls, and lone
 * surrogates, which have no encoding.
 */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\p{Surrogate}]/gu;

/** Text in which nothing is to be escaped, as nearly all text is. */
const PLAIN = /^[ -~]*$/;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u001b": "\\e" };

/**
 * The value of an access token in a query: browsers can't send it with a WebSocket in any other way. A link that was
 * encoded once too often has the query in its path. No token has a backslash; in JSON, one may begin the end of the
 * text.
 */
const TOKEN = /((?:[?&]|%(?:25)*(?:3f|26))access(?:_|%(?:25)*5f)token(?:=|%(?:25)*3d))[^&#\s"'\\]+/gi;

/**
 * Escapes characters that could end the line, control a terminal or reorder the text, and replaces the value of an
 * `access_token` in a URL with `…`.
 *
 * @example
 * ```ts
 * printable("a\n\u001b[31mb"); // "a\\n\\e[31mb"
 * printable("ws://host/a?access_token=s3cret"); // "ws://host/a?access_token=…"
 * ```
 */
export function printable(text: string): string {
  return unprintableEscaped(withoutTokens(text));
}

/**
 * Escapes like {@link printable}, and leaves everything else as it is. For data that may resemble a URL, such as names.
 *
 * @example
 * ```ts
 * unprintableEscaped("a\nb"); // "a\\nb"
 * ```
 */
export function unprintableEscaped(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNPRINTABLE, (char) => SHORT[char] ?? escaped(char));
}

/**
 * Escapes the same characters in JSON as JSON escapes, which do not change the parsed value. Replaces tokens as well.
 *
 * @example
 * ```ts
 * printableJson(JSON.stringify({ path: "/\u202eb" })); // '{"path":"/\\u202eb"}'
 * ```
 */
export function printableJson(json: string): string {
  return unprintableEscapedInJson(withoutTokens(json));
}

/**
 * Escapes like {@link printableJson}, and leaves everything else as it is.
 *
 * @example
 * ```ts
 * unprintableEscapedInJson('"\u202eb"'); // '"\\u202eb"'
 * ```
 */
export function unprintableEscapedInJson(json: string): string {
  return json.replace(UNPRINTABLE, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Replaces the value of an `access_token` in a URL, however it is encoded, with `…`.
 *
 * @example
 * ```ts
 * withoutTokens("http://host/a?access_token=s3cret"); // "http://host/a?access_token=…"
 * ```
 */
export function withoutTokens(text: string): string {
  return text.includes("access") ? text.replace(TOKEN, "$1…") : text;
}

/**
 * Describes an error and its causes in one printable line.
 *
 * @param error The thrown value.
 * @param sentence A sentence about the failure. Default: the error's own message.
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
 * The messages of an error and its causes that differ from `sentence`, in one printable line; empty without such causes.
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
    const message = messageOf(part);
    if (message !== sentence && !causes.includes(message)) causes.push(message);
  }
  return printable(causes.join("; "));
}

/**
 * The place where an error was created, as printable text to put after its message; empty if unknown.
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

/** The message of an error; for any other value, its text. */
function messageOf(error: unknown): string {
  return error instanceof Error ? String(error.message) : String(error);
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
