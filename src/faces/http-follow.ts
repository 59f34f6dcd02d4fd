/**
 * Following over plain HTTP: a response body that goes on until the appender ends. `curl -N` is a follower.
 * @module
 */
import { StreamError } from "../core/errors.ts";
import { Follower } from "../core/follower.ts";
import type { Hold } from "../core/hold.ts";
import { parseStart, resolveStart } from "../core/offset.ts";
import { BodySink } from "./body-sink.ts";
import { LogSpan } from "./log-span.ts";
import { mediaTypeOf } from "./media-type.ts";
import { liveHeaders } from "./resource-headers.ts";
import { answered, type Exchange, type Service } from "./service.ts";

/**
 * Answers with everything from the offset on, and with what comes.
 *
 * @throws {StreamError} `range`, `bad_request`, `restarting`
 */
export async function followBody(service: Service, exchange: Exchange, hold: Hold): Promise<Response> {
  const { c, platform, subject } = exchange;
  const { path } = subject;
  const { offset, tail } = c.req.query();
  const start = resolveStart(parseStart(offset, tail), hold.source.size);
  const headers = liveHeaders(start);
  headers.set("Content-Type", await mediaTypeOf(service.store, { path, size: hold.source.size }));
  if (c.req.method === "HEAD") {
    hold.leave();
    return new Response(null, { headers });
  }

  const sink = new BodySink(() => follower.stop());
  const { store, limits } = service;
  const follower = new Follower({ store, from: hold, sink, text: false, limits, offset: start });
  let done = Promise.resolve();
  const forget = service.hub.onClose(async () => {
    follower.stop();
    await done;
    await answered(service, exchange);
  });
  const span = new LogSpan(service, exchange.subject, { type: "follow", transport: "http", offset: start });
  platform.unhurried?.(c);
  platform.onGone?.(c, () => sink.leave());
  done = follower
    .run()
    .then(
      (reason) => {
        sink.end();
        span.end(follower.offset, service.hub.closing ? "restarting" : reason);
      },
      (thrown: unknown) => {
        const error = StreamError.from(thrown, "storage");
        service.operator.failedIfFault(path, error);
        // Cleanly at the last byte that is stored: the path ends here for everybody.
        sink.end();
        span.end(follower.offset, error.code);
      },
    )
    .finally(() => {
      forget();
      hold.leave();
    });
  return new Response(sink.stream, { headers });
}
