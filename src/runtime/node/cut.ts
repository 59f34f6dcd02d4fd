/**
 * Cuts off responses that must not seem complete.
 * @module
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Drain } from "../shared/drain.ts";

/** Maximum milliseconds to wait for a response to begin: middleware may have dropped it. */
const BEGIN_MS = 10_000;

/** Milliseconds between two checks whether it has begun. */
const LOOK_MS = 5;

/**
 * Drops the connection of a response once everything written has been sent. A response without chunks ends with its
 * connection, so the connection is reset: a normal close would seem to be the end of the body.
 */
export async function cutResponse(outgoing: ServerResponse): Promise<void> {
  const socket = outgoing.socket as Socket | null;
  await begun(() => outgoing.headersSent || outgoing.destroyed);
  const pending = (): number => (outgoing.destroyed ? 0 : outgoing.writableLength + (socket?.writableLength ?? 0));
  await new Drain(pending).wait(0);
  if (socket && !outgoing.chunkedEncoding && !socket.destroyed) socket.resetAndDestroy();
  outgoing.destroy();
}

/**
 * Drops the connection of a response at once, whether or not its client reads. The connection is reset, so that the
 * system does not keep for the client what it has not read.
 */
export function dropResponse(outgoing: ServerResponse): void {
  const socket = outgoing.socket as Socket | null;
  if (socket && !socket.destroyed) socket.resetAndDestroy();
  outgoing.destroy();
}

/** Waits until the head is sent: `@hono/node-server` sends a body that fails earlier as a complete response. */
export async function begun(hasBegun: () => boolean): Promise<void> {
  for (let leftMs = BEGIN_MS; !hasBegun() && leftMs > 0; leftMs -= LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
