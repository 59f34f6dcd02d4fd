/**
 * Where the stream of an identifier is stored.
 * @module
 */
import { StreamError } from "../protocol/errors.ts";

/** Bytes of the longest file name that is made of an identifier as it is. */
const NAME_BYTES = 200;

/** The folder of streams, unless another one is named. */
export const DEFAULT_FOLDER = "resumable";

/**
 * The resource path of a stream: its identifier below a folder, percent-encoded where a file name could not hold it. A very
 * long identifier is replaced by its digest.
 *
 * @throws {StreamError} `bad_request` if the identifier is not a text, or is empty.
 */
export async function streamPath(folder: string, id: string): Promise<string> {
  if (typeof id !== "string" || id === "") {
    throw new StreamError("bad_request", `A stream needs an identifier that is not empty, not ${JSON.stringify(id)}.`);
  }
  const name = encoded(id);
  return `${folder}/${name.length <= NAME_BYTES ? name : `sha256-${await digest(id)}`}`;
}

function encoded(id: string): string {
  try {
    // "." and ".." name folders.
    return encodeURIComponent(id).replace(/^\.+$/, (dots) => "%2E".repeat(dots.length));
  } catch {
    throw new StreamError("bad_request", "The identifier of a stream contains half of a character (a lone surrogate).");
  }
}

async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
