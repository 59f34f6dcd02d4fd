/**
 * Live reads: waiting for data, with one answer per wait or with server-sent events.
 * @module
 */

import type { Follow } from "../../engine/follow/follow.ts";
import type { FollowEnd, Sink } from "../../engine/follow/follower.ts";
import type { Frame } from "../../engine/follow/frame.ts";
import type { StandingFollow } from "../../engine/standing/standing-follow.ts";
import { lineEndOf } from "../../engine/storage/json-tail.ts";
import type { StoreStat } from "../../engine/storage/store.ts";
import { StreamError } from "../../protocol/errors.ts";
import { essenceOf, isJsonType } from "../../protocol/media-type.ts";
import { formatOffset, NEXT_OFFSET_HEADER, parseStart, resolveStart, type Start } from "../../protocol/offset.ts";
import { CLOSED_HEADER, CURSOR_HEADER, ENCODING_HEADER, UP_TO_DATE_HEADER } from "../../protocol/stream-headers.ts";
import { NEWLINE } from "../../support/ascii.ts";
import { followBody } from "../http/follow.ts";
import { mediaTypeOf } from "../http/media-type.ts";
import { cachedFor } from "../http/resource-headers.ts";
import type { ReadParameters } from "../request/read-parameters.ts";
import type { Exchange, Service } from "../service/service.ts";
import { checkPermission, whenExpired } from "../timers/expiry.ts";
import { cursorAfter } from "./cursor.ts";
import { type EventEncoding, EventStream } from "./event-stream.ts";
import { jsonChecksOf, notJson } from "./json-checks.ts";

/**
 * Seconds for which caches may keep an answer that there is nothing new: long enough to answer all clients that wait
 * for it.
 */
const HERD_SECONDS = 1;

/** A live read. */
export interface LiveRead {
  readonly exchange: Exchange;
  readonly parameters: ReadParameters;
  readonly found: StoreStat;
  /** Keeps the stream from expiring until the result is called. */
  hold(): () => void;
  /** Answers with what is stored from the given start on. */
  snapshot(start: Start): Promise<Response>;
}

/**
 * Waits until there is data from the start on, at most `limits.longPollMs`.
 *
 * @throws {StreamError} `range`, `replaced`, `restarting`; `not_found` if the path is removed meanwhile, `unauthorized` if the
 * permission ends.
 */
export async function longPoll(service: Service, read: LiveRead): Promise<Response> {
  const { exchange, parameters, found } = read;
  const { path } = exchange.subject;
  const { start, generation, cursor } = parameters;
  const size = isJsonType(found.stream?.type) ? await lineEndOf(service.store, path, found) : found.size;
  const from = resolveStart(start, size);
  const seen = cursorAfter(cursor);
  const release = read.hold();
  try {
    if (from === size) {
      const follow = await service.standing.open(path, {
        start: { offset: found.size },
        generation: generation ?? found.generation,
      });
      const isJson = isJsonType(found.stream?.type);
      const ended = await waitForData(service, exchange, follow, isJson).finally(() => follow.leave());
      checkPermission(exchange);
      if (ended === "deleted") throw new StreamError("not_found", `"/${path}" was removed.`, { path });
      if (ended === "restarting") service.registry.assertOpen();
      const now = await service.store.stat(path);
      const isEmpty = !now || (isJson ? await lineEndOf(service.store, path, now) : now.size) <= from;
      checkPermission(exchange);
      const control = isCached(service, start) ? cachedFor(HERD_SECONDS, service) : "no-store";
      if (isEmpty) return nothingNew(from, control, ended === "complete" ? undefined : seen);
    }
    const response = await read.snapshot({ offset: from });
    response.headers.set(CURSOR_HEADER, seen);
    if (!isCached(service, start)) response.headers.set("Cache-Control", "no-store");
    return response;
  } finally {
    release();
  }
}

/**
 * Whether caches may keep an answer. Appended bytes do not change, so a cache may answer all clients that wait for
 * them. The cursor leads them to another URL.
 */
function isCached({ cacheSeconds }: Service, start: Start): boolean {
  return cacheSeconds > 0 && typeof start === "object" && "offset" in start;
}

/** @param cursor Undefined if the stream is closed. */
function nothingNew(offset: number, cacheControl: string, cursor: string | undefined): Response {
  return new Response(null, {
    status: 204,
    headers: new Headers({
      "Cache-Control": cacheControl,
      "X-Content-Type-Options": "nosniff",
      [NEXT_OFFSET_HEADER]: formatOffset(offset),
      [UP_TO_DATE_HEADER]: "true",
      ...(cursor === undefined ? { [CLOSED_HEADER]: "true" } : { [CURSOR_HEADER]: cursor }),
    }),
  });
}

/** Runs a follow until its first byte or line, its end, the timeout or the end of the permission, or until the client has gone. */
async function waitForData(
  { limits, registry }: Service,
  { c, platform, access }: Exchange,
  follow: Follow,
  wantsLine: boolean,
): Promise<FollowEnd> {
  const stop = (): void => follow.stop();
  const send = ({ bytes }: Frame): void => {
    if (!wantsLine || bytes.includes(NEWLINE)) stop();
  };
  const first: Sink = { pending: 0, send, drained: async () => {} };
  const timer = setTimeout(stop, limits.longPollMs);
  const stopExpiry = whenExpired(access?.expiresAtMs, stop);
  platform.onGone?.(c, stop);
  c.req.raw.signal.addEventListener("abort", stop);
  const forget = registry.onClose(async () => stop());
  try {
    return await follow.run(first, { text: false });
  } finally {
    clearTimeout(timer);
    stopExpiry();
    c.req.raw.signal.removeEventListener("abort", stop);
    forget();
  }
}

/**
 * Sends everything from the start on as server-sent events, until the stream is closed or removed.
 *
 * @throws {StreamError} `range`, `replaced`, `bad_request`, `restarting`
 */
export async function serverSentEvents(service: Service, read: LiveRead): Promise<Response> {
  const { exchange, parameters, found } = read;
  const { c, subject } = exchange;
  const { path } = subject;
  // An EventSource that reconnects asks for the URL that it began with.
  const last = c.req.header("Last-Event-ID");
  const start = last ? parseStart(last, undefined) : parameters.start;
  const type = await mediaTypeOf(service.store, { ...found, path });
  const encoding = encodingOf(found.stream?.type ?? type, found);
  const size = encoding === "json" ? await lineEndOf(service.store, path, found) : found.size;
  const from = await startOf(service, { ...found, size }, path, start, encoding);
  const { generation = found.generation } = parameters;
  const follow = await service.standing.open(path, { start: { offset: from }, generation });
  const release = read.hold();
  try {
    return await followBody(service, exchange, leftWith(follow, release), {
      headers(headers) {
        headers.set("Content-Type", "text/event-stream");
        headers.set("Cache-Control", "no-cache, no-store, no-transform");
        if (encoding === "base64") headers.set(ENCODING_HEADER, "base64");
      },
      lastsMs: service.limits.eventStreamMs,
      over(below, fail) {
        const { cursor } = parameters;
        const onBroken = (): void => fail(notJson(path));
        const tail = (): number => follow.tail;
        const finalSize = (): number | undefined => follow.finalSize;
        const events = new EventStream({ below, encoding, start: from, cursor, tail, finalSize, onBroken });
        if (from >= size && !found.stream?.closed) events.control(true);
        return {
          sink: events,
          beat: () => events.control(),
          ended: (reason) => {
            if (reason === "complete") events.close();
            if (reason === "rotated") events.rotate();
          },
        };
      },
    });
  } catch (error) {
    follow.leave();
    release();
    throw error;
  }
}

async function startOf(
  { store }: Service,
  found: StoreStat,
  path: string,
  start: Start,
  encoding: EventEncoding,
): Promise<number> {
  const from = resolveStart(start, found.size);
  if (encoding !== "json") return from;
  return jsonChecksOf(store).startOf(path, found, from, typeof start === "object" && "tail" in start);
}

/** The follow, which calls back when it is left. */
function leftWith(follow: StandingFollow, release: () => void): Follow {
  return {
    start: follow.start,
    content: follow.content,
    get offset() {
      return follow.offset;
    },
    run: (sink, listener) => follow.run(sink, listener),
    stop: () => follow.stop(),
    leave: () => {
      follow.leave();
      release();
    },
  };
}

function encodingOf(type: string, { stream }: StoreStat): EventEncoding {
  if (isJsonType(stream?.type)) return "json";
  const essence = essenceOf(type) ?? "";
  return essence.startsWith("text/") || essence === "application/json" ? "text" : "base64";
}
