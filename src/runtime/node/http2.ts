/**
 * The differences for an app that `node:http2` serves.
 * @module
 */
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Context } from "hono";
import { Drain } from "../shared/drain.ts";
import { begun } from "./cut.ts";

/** The environment that `@hono/node-server` gives a handler. */
export interface Http2Env {
  incoming: Http2ServerRequest;
  outgoing: Http2ServerResponse;
}

/** Whether a request came over HTTP/2. */
export function isHttp2(c: Context): boolean {
  return (c.env as { incoming: { httpVersionMajor: number } }).incoming.httpVersionMajor >= 2;
}

/**
 * Resolves when the client has answered a ping: by then, a reset that it sent together with the end of a body has been
 * handled. Undefined if the session can't be pinged.
 */
export function whenOvertaken({ stream }: Http2ServerRequest): Promise<unknown> | undefined {
  const { session } = stream;
  if (!session || session.destroyed) return undefined;
  return new Promise((resolve) => {
    // The reset is reported some turns after its frame has been read.
    const answered = (): void => void setImmediate(() => setImmediate(() => setImmediate(resolve)));
    session.ping(answered);
  });
}

/** Whether the client has reset a request. It is told by events some time later only, when the body has been read. */
export function isReset({ stream }: Http2ServerRequest): boolean {
  return stream.rstCode !== undefined && stream.rstCode !== constants.NGHTTP2_NO_ERROR;
}

/** Drops a response once everything written has been sent. Each is a stream of its own, which is reset. */
export async function cutStream({ stream }: Http2ServerResponse): Promise<void> {
  await begun(() => stream.headersSent || stream.destroyed);
  await new Drain(() => (stream.destroyed ? 0 : stream.writableLength)).wait(0);
  stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

/** Resets the stream of a response at once, whether or not its client reads. */
export function dropStream({ stream }: Http2ServerResponse): void {
  stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  stream.destroy();
}
