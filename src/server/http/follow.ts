/**
 * Following over plain HTTP: a response body that lasts until the append ends, so that `curl -N` is a follower.
 * @module
 */

import type { Follow } from "../../engine/follow/follow.ts";
import type { FollowEnd, Sink } from "../../engine/follow/follower.ts";
import { StreamError } from "../../protocol/errors.ts";
import { LogSpan } from "../service/log-span.ts";
import { type Exchange, type Service, waitUntilSent, whenSent } from "../service/service.ts";
import { checkPermission, permissionEnded } from "../timers/expiry.ts";
import { BodySink } from "./body-sink.ts";
import { bodyAbort } from "./count-bytes.ts";
import { whenDropped } from "./dropped-body.ts";
import { mediaTypeOf } from "./media-type.ts";
import { liveHeaders } from "./resource-headers.ts";
import { whenExpiredUnsent } from "./until-expired.ts";

/** The part of a time by which it may be shorter. */
const SPREAD = 0.1;

/** The form of a follow in a body. Default: its bytes, and an end only if the append is complete. */
export interface BodyForm {
  /** Changes the headers. */
  headers(headers: Headers): void;
  /** Milliseconds after which the body ends, as if the client had left; 0 for never. */
  readonly lastsMs: number;
  /** Begins the body. `fail` breaks it off. */
  over(below: Sink, fail: (error: StreamError) => void): FormedBody;
}

/** A body in another form than its bytes. It ends normally, however the follow has ended. */
export interface FormedBody {
  readonly sink: Sink;
  /** Sends something after a long quiet period. */
  beat(): void;
  /** Sends what comes last. `rotated` if it has lasted for as long as it may. */
  ended(reason: FollowEnd | "rotated"): void;
}

/**
 * Responds with everything from the start on, including what is appended later. The body ends normally only if the
 * append is complete. Otherwise the connection is cut, so that a partial log never seems complete.
 *
 * @param follow What to send. It is left when the body has ended.
 * @throws {StreamError} `restarting`, `unauthorized` if the permission of the request has ended.
 */
export async function followBody(
  service: Service,
  exchange: Exchange,
  follow: Follow,
  form?: BodyForm,
): Promise<Response> {
  const { c, platform, subject } = exchange;
  const { path } = subject;
  const { start, content } = follow;
  const headers = liveHeaders(content, start);
  if (form) form.headers(headers);
  else headers.set("Content-Type", await mediaTypeOf(service.store, { ...content, path }));
  checkPermission(exchange);
  if (c.req.method === "HEAD") {
    follow.leave();
    return new Response(null, { headers });
  }

  const sink = new BodySink(() => follow.stop());
  let done = Promise.resolve();
  let ending: StreamError | undefined;
  let dropTimer: ReturnType<typeof setTimeout> | undefined;
  let giveUp = (): void => {};
  // A server that can't drop the connection keeps the part of a broken body that its client has not read.
  const givenUp = new Promise<void>((resolve) => {
    if (!platform.drop) giveUp = resolve;
  });
  const breakOff = (error: StreamError): Promise<void> => sink.fail(error, bodyAbort(exchange)).then(giveUp);
  const forget = service.registry.onClose(async () => {
    follow.stop();
    // Cutting a body waits for its reader, which may never read again.
    await waitUntilSent(service, exchange, done);
  });
  const bodyEnded = whenExpiredUnsent(exchange, () => {
    ending = permissionEnded(path);
    follow.stop();
    // A client that reads gets what was sent before. One that does not read must not stay.
    dropTimer = setTimeout(() => {
      sink.drop(ending, bodyAbort(exchange));
      giveUp();
    }, service.limits.shutdownTimeoutMs);
  });
  const span = new LogSpan(
    service,
    exchange.subject,
    { type: "follow", transport: "http", offset: start },
    () => follow.offset,
    exchange.result,
  );
  exchange.result.open();
  const formed = form?.over(sink, (error) => {
    ending = error;
    follow.stop();
  });
  const beating = formed && {
    get offset(): number {
      return follow.offset;
    },
    beat: () => formed.beat(),
  };
  if (beating) service.heartbeats.add(beating);
  let isRotated = false;
  const rotation =
    form &&
    afterMs(form.lastsMs, () => {
      isRotated = true;
      follow.stop();
    });
  platform.disableRequestTimeout?.(c);
  platform.onGone?.(c, () => sink.leave());
  whenDropped(c, sink.stream, () => sink.leave());
  done = follow
    .run(formed?.sink ?? sink, { text: false })
    .then(
      (reason) => {
        if (reason === "gone" && ending) {
          span.end(follow.offset, ending.code, ending);
          return breakOff(ending);
        }
        const how = reason === "gone" && isRotated ? "rotated" : reason;
        const ended = service.registry.closing ? "restarting" : how;
        span.end(follow.offset, ended);
        formed?.ended(how);
        if (formed) return sink.end();
        return ended === "complete" || ended === "gone" ? sink.end() : breakOff(cutShort(path, ended));
      },
      (thrown: unknown) => {
        const error = StreamError.from(thrown, "storage");
        service.reporter.failedIfFault(path, error);
        span.end(follow.offset, error.code, error);
        return breakOff(error);
      },
    )
    .finally(async () => {
      clearTimeout(rotation);
      bodyEnded();
      if (beating) service.heartbeats.remove(beating);
      forget();
      follow.leave();
      await Promise.race([whenSent(exchange), givenUp]);
    });
  void done.finally(() => {
    clearTimeout(dropTimer);
    exchange.slot?.leave();
  });
  if (exchange.slot) exchange.slot.isKept = true;
  return new Response(sink.stream, { headers });
}

/** Runs a task after a time that differs a little each time, so that clients that came together leave one by one. */
function afterMs(ms: number, task: () => void): ReturnType<typeof setTimeout> | undefined {
  return ms === 0 ? undefined : setTimeout(task, ms * (1 - Math.random() * SPREAD));
}

/** The error that explains why a body does not end normally. */
function cutShort(path: string, reason: string): StreamError {
  const code = reason === "restarting" ? "restarting" : "lost";
  return new StreamError(code, `The append of "/${path}" was not completed: ${reason}.`, { path });
}
