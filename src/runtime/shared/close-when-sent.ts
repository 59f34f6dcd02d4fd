/**
 * Closing a socket of Bun. Bun reports the end of a connection as soon as it is asked to close it, but keeps the
 * connection for as long as its peer does not read what was sent before, and can no longer terminate it.
 * @module
 */
import type { Drain } from "./drain.ts";

/** Milliseconds that a peer has to read the rest before its connection is dropped; as in the package `ws`. */
const CLOSE_TIMEOUT_MS = 30_000;

/** Closes when everything sent before has left the buffer, and terminates if that takes too long. */
export function closeWhenSent(drain: Drain, { close, terminate }: { close(): void; terminate(): void }): void {
  const timer = setTimeout(terminate, CLOSE_TIMEOUT_MS);
  void drain.wait(0).then(() => {
    clearTimeout(timer);
    close();
  });
}
