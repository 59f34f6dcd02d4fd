/**
 * Cutting off a response that must not look complete.
 * @module
 */
import type { ServerResponse } from "node:http";
import { constants, type Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import { Drain } from "../shared/drain.ts";

/** Milliseconds that a response may take to begin: middleware may have dropped it. */
const BEGIN_MS = 10_000;

/** Milliseconds between two looks at whether it has begun. */
const LOOK_MS = 5;

/**
 * Drops the connection of a response once everything that was written has left. One without chunks ends with its
 * connection, which is therefore reset: a mere end would look like the end of the body.
 */
export async function cutResponse(outgoing: ServerResponse): Promise<void> {
  const socket = outgoing.socket as Socket | null;
  await begun(() => outgoing.headersSent || outgoing.destroyed);
  const pending = (): number => (outgoing.destroyed ? 0 : outgoing.writableLength + (socket?.writableLength ?? 0));
  await new Drain(pending).wait(0);
  if (socket && !outgoing.chunkedEncoding && !socket.destroyed) socket.resetAndDestroy();
  outgoing.destroy();
}

/** The same over HTTP/2, where each response is a stream of its own, which is reset. */
export async function cutStream({ stream }: Http2ServerResponse): Promise<void> {
  await begun(() => stream.headersSent || stream.destroyed);
  await new Drain(() => (stream.destroyed ? 0 : stream.writableLength)).wait(0);
  stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

/** Before its head is written, a body that fails is a whole response to @hono/node-server. */
async function begun(hasBegun: () => boolean): Promise<void> {
  for (let leftMs = BEGIN_MS; !hasBegun() && leftMs > 0; leftMs -= LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
