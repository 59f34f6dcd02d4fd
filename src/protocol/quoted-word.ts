/**
 * Quotes of what a client sent, in messages.
 * @module
 */

/**
 * Quotes the beginning of a text that should have been a word: the rest may be a mistyped query with a token in it.
 *
 * @example
 * ```ts
 * quotedWord("TAIL"); // '"TAIL"'
 * quotedWord("TAIL?access_token=s3cret"); // '"TAIL…"'
 * ```
 */
export function quotedWord(text: string): string {
  const [word = ""] = /^[\w.+-]{0,20}/.exec(text) ?? [];
  return word === text ? `"${word}"` : `"${word}…"`;
}
