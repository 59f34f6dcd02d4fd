/**
 * Ends what a permission allowed when the permission ends.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/**
 * Milliseconds between two looks at the clock. It may be set, and it goes on while the machine sleeps; timers notice
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
  const wait = (): void => {
    const leftMs = expiresAtMs - Date.now();
    if (leftMs <= 0) expired();
    else timer = setTimeout(wait, Math.min(leftMs, LOOK_EVERY_MS));
  };
  timer = setTimeout(wait, 0);
  return () => clearTimeout(timer);
}

/** The error of a connection that has outlived its permission. */
export function permissionEnded(path: string): StreamError {
  return new StreamError("unauthorized", `The permission for "/${path}" has ended. Connect again with a new token.`, {
    path,
    headers: { "WWW-Authenticate": 'Bearer realm="httpfstream", error="invalid_token"' },
  });
}
