/**
 * Request bodies that are stored whole or not at all.
 * @module
 */

import { StreamError } from "../../protocol/errors.ts";
import { concat } from "../../support/concat.ts";
import { openBody } from "../http/body-reader.ts";
import type { BodyReader } from "../platform/body.ts";
import type { Exchange, Service } from "../service/service.ts";
import { checkPermission, permissionEnded, whenExpired } from "../timers/expiry.ts";
import { bodyIdleOf, IdleTimeout } from "../timers/idle-timeout.ts";

/**
 * Reads the whole body of a request. A body may be silent for `limits.bodyIdleMs`, with or without a length: nothing of it is
 * stored before its end. Without a slot among the connections, all of it must arrive within that time.
 *
 * @param max Maximum bytes of the body.
 * @throws {StreamError} `too_large` for more bytes than that, `lost` if the body breaks off, `idle` if it stalls,
 * `unauthorized` if the permission of the request ends first, `misconfigured` if a middleware has read it.
 */
export async function readBody(
  { limits }: Service,
  exchange: Exchange,
  max: number = limits.durableBodyBytes,
): Promise<Uint8Array> {
  const { c, platform, subject, access } = exchange;
  const { path } = subject;
  if (Number(c.req.header("Content-Length") ?? 0) > max) throw tooLarge(path, max, limits.durableBodyBytes);
  const reader = openBody(exchange, () => alreadyRead(path));
  if (!reader) return new Uint8Array(0);
  const wasAborted = platform.bodyWatch?.(c);
  let stopped: StreamError | undefined;
  const stop = (error: StreamError): void => {
    stopped ??= error;
    reader.cancel(error).catch(() => {});
  };
  const silenceMs = bodyIdleOf(limits);
  const idleTimeout = new IdleTimeout(
    silenceMs,
    () => stop(tooSlow(path, silenceMs, exchange.slot !== undefined)),
    () => false,
  );
  const stopExpiry = whenExpired(access?.expiresAtMs, () => stop(permissionEnded(path)));
  try {
    const pieces = await piecesOf(reader, (length) => {
      if (exchange.slot) idleTimeout.heard();
      if (length > max) stop(tooLarge(path, max, limits.durableBodyBytes));
      return !stopped;
    });
    const bytes = concat(
      pieces,
      pieces.reduce((length, piece) => length + piece.length, 0),
    );
    if (!stopped && (await wasAborted?.(bytes.length))) throw new Error("The client reset the request.");
    if (stopped) throw stopped;
    checkPermission(exchange);
    return bytes;
  } catch (error) {
    if (stopped || error instanceof StreamError) throw stopped ?? error;
    throw new StreamError("lost", "The request body broke off. Nothing was stored.", { path, cause: error });
  } finally {
    idleTimeout.stop();
    stopExpiry();
  }
}

function alreadyRead(path: string): StreamError {
  const message = "A middleware in front of this app has read the body of the request. Make it leave bodies unread.";
  return new StreamError("misconfigured", message, { path });
}

/** Reads pieces until the body ends, or until no more are wanted. */
async function piecesOf(reader: BodyReader, wants: (length: number) => boolean): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (let piece = await reader.read(); piece; piece = await reader.read()) {
    length += piece.length;
    if (!wants(length)) return [];
    pieces.push(piece);
  }
  return pieces;
}

function tooSlow(path: string, limitMs: number, isSilent: boolean): StreamError {
  const what = isSilent ? "Nothing arrived" : "The body did not end";
  const within = isSilent ? `for ${limitMs / 1000} s` : `within ${limitMs / 1000} s`;
  return new StreamError("idle", `${what} ${within} (bodyIdleMs). Nothing was stored. Send the body again.`, { path });
}

function tooLarge(path: string, max: number, storedAtOnce: number): StreamError {
  const message =
    max < storedAtOnce
      ? `The body has more than ${max} bytes.`
      : `The body has more than ${max} bytes, which is the most that is stored at once (durableBodyBytes). Send it in parts, or with "?verb=APPEND".`;
  return new StreamError("too_large", message, { path });
}
