/**
 * Session tokens, which are unguessable and stored only as digests, and generations, which name contents and never
 * repeat.
 * @module
 */

/** Random bytes per token. */
const TOKEN_BYTES = 24;

/** Random bytes per generation. */
const GENERATION_BYTES = 8;

/**
 * Creates a session token, as it appears in URLs and messages: 48 hexadecimal digits.
 *
 * @example
 * ```ts
 * newToken().length; // 48
 * ```
 */
export function newToken(): string {
  return hex(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)));
}

/**
 * Creates a generation, the name of a new content: 16 hexadecimal digits.
 *
 * @example
 * ```ts
 * newGeneration().length; // 16
 * ```
 */
export function newGeneration(): string {
  return hex(crypto.getRandomValues(new Uint8Array(GENERATION_BYTES)));
}

/**
 * The digest that is stored in place of a token (SHA-256, in hexadecimal); the token can't be derived from it.
 *
 * @example
 * ```ts
 * (await digestOf(newToken())).length; // 64
 * ```
 */
export async function digestOf(token: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))));
}

/** The digits of each byte. */
const DIGITS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += DIGITS[byte];
  return text;
}
