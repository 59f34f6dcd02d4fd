/**
 * Request bodies that are stored whole or not at all.
 * @module
 */

import { StreamError } from "../../protocol/errors.ts";
import { concat } from "../../support/concat.ts";
import { bodyReader } from "../http/body-reader.ts";
import type { Exchange, Service } from "../service/service.ts";

/**
 * Reads the whole body of a request.
 *
 * @throws {StreamError} `too_large` for more than `limits.durableBodyBytes`, `lost` if the body breaks off,
 * `misconfigured` if a middleware has read it.
 */
export async function readBody({ limits }: Service, { c, platform, subject: { path } }: Exchange): Promise<Uint8Array> {
  const most = limits.durableBodyBytes;
  if (Number(c.req.header("Content-Length") ?? 0) > most) throw tooLarge(path, most);
  const { raw } = c.req;
  if (raw.bodyUsed || raw.body?.locked) {
    const message = "A middleware in front of this app has read the body of the request. Make it leave bodies unread.";
    throw new StreamError("misconfigured", message, { path });
  }
  if (!raw.body) return new Uint8Array(0);
  const wasAborted = platform.bodyWatch?.(c);
  const reader = bodyReader(raw.body, platform.fillsBuffers);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for (let piece = await reader.read(); piece; piece = await reader.read()) {
      length += piece.length;
      if (length > most) {
        reader.cancel().catch(() => {});
        throw tooLarge(path, most);
      }
      pieces.push(piece);
    }
    if (await wasAborted?.(length)) throw new Error("The client reset the request.");
  } catch (error) {
    if (error instanceof StreamError) throw error;
    throw new StreamError("lost", "The request body broke off. Nothing was stored.", { path, cause: error });
  }
  return concat(pieces, length);
}

function tooLarge(path: string, most: number): StreamError {
  const message = `The body has more than ${most} bytes, which is the most that is stored at once (durableBodyBytes). Send it in parts, or with "?verb=APPEND".`;
  return new StreamError("too_large", message, { path });
}
