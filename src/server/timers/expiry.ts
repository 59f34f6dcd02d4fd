/**
 * Ends what a permission allowed when the permission ends.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/**
 * Milliseconds between two checks of the clock. It may be set, and it continues while the machine sleeps; timers notice
 * neither.
 */
const LOOK_EVERY_MS = 30_000;

/**
 * Calls back once when a permission has ended; call the result to stop waiting.
 *
 * @param expiresAtMs In milliseconds since 1970; undefined for never.
 */
export function whenExpired(expiresAtMs: number | undefined, expired: () => void): () => void {
  if (expiresAtMs === undefined) return () => {};
  let timer: ReturnType<typeof setTimeout>;
  const look = (): void => {
    if (hasEnded(expiresAtMs)) expired();
    else wait();
  };
  const wait = (): void => {
    timer = setTimeout(look, Math.max(0, Math.min(expiresAtMs - Date.now(), LOOK_EVERY_MS)));
  };
  wait();
  return () => clearTimeout(timer);
}

/**
 * Checks that the permission of a request has not ended while the request waited. Nothing may be awaited between this and
 * what the permission allows.
 *
 * @throws {StreamError} `unauthorized` if it has.
 */
export function checkPermission({ access, subject }: Permitted): void {
  if (hasEnded(access?.expiresAtMs)) throw permissionEnded(subject.path);
}

/** A request, and what it may do. */
interface Permitted {
  readonly access?: { readonly expiresAtMs?: number | undefined };
  readonly subject: { readonly path: string };
}

/** Whether a permission has ended, by the clock of now. */
export function hasEnded(expiresAtMs: number | undefined): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= Date.now();
}

/** The error of a connection that has outlived its permission. */
export function permissionEnded(path: string): StreamError {
  return new StreamError("unauthorized", `The permission for "/${path}" has ended. Connect again with a new token.`, {
    path,
    headers: { "WWW-Authenticate": 'Bearer realm="httpfstream", error="invalid_token"' },
  });
}
