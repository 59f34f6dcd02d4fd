/**
 * Session tokens: unguessable, and known to the store by their digest only. Names of contents: short, and never the same
 * twice.
 * @module
 */

/** Random bytes in a token. */
const TOKEN_BYTES = 24;

/** Random bytes in the name of a content. */
const GENERATION_BYTES = 8;

/** A new token, as it stands in URLs and messages. */
export function newToken(): string {
  return hex(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)));
}

/** A new name for a content: 16 hexadecimal digits. */
export function newGeneration(): string {
  return hex(crypto.getRandomValues(new Uint8Array(GENERATION_BYTES)));
}

/** What is kept of a token: whoever reads it can't make the token from it. */
export async function digestOf(token: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
