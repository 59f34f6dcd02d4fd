/**
 * Cuts off responses that must not look complete.
 * @module
 */
import type { ServerResponse } from "node:http";
import { constants, type Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import { Drain } from "../shared/drain.ts";

/** Maximum milliseconds to wait for a response to begin: middleware may have dropped it. */
const BEGIN_MS = 10_000;

/** Milliseconds between two checks whether it has begun. */
const LOOK_MS = 5;

/**
 * Drops the connection of a response once everything written has been sent. A response without chunks ends with its
 * connection, so the connection is reset: a normal close would look like the end of the body.
 */
export async function cutResponse(outgoing: ServerResponse): Promise<void> {
  const socket = outgoing.socket as Socket | null;
  await begun(() => outgoing.headersSent || outgoing.destroyed);
  const pending = (): number => (outgoing.destroyed ? 0 : outgoing.writableLength + (socket?.writableLength ?? 0));
  await new Drain(pending).wait(0);
  if (socket && !outgoing.chunkedEncoding && !socket.destroyed) socket.resetAndDestroy();
  outgoing.destroy();
}

/** Does the same over HTTP/2, where each response is a stream of its own, which is reset. */
export async function cutStream({ stream }: Http2ServerResponse): Promise<void> {
  await begun(() => stream.headersSent || stream.destroyed);
  await new Drain(() => (stream.destroyed ? 0 : stream.writableLength)).wait(0);
  stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

/** Waits until the head is sent: `@hono/node-server` sends a body that fails earlier as a complete response. */
async function begun(hasBegun: () => boolean): Promise<void> {
  for (let leftMs = BEGIN_MS; !hasBegun() && leftMs > 0; leftMs -= LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
