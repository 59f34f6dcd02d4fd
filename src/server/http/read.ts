/**
 * Reading over plain HTTP: what is stored at present, with the conditions and ranges of a static file server.
 * @module
 */

import { openedStream } from "../../engine/storage/range-stream.ts";
import type { StoreStat } from "../../engine/storage/store.ts";
import { StreamError } from "../../protocol/errors.ts";
import { checkGeneration } from "../../protocol/generation.ts";
import {
  formatOffset,
  NEXT_OFFSET_HEADER,
  resolveStart,
  START_OFFSET_HEADER,
  type Start,
} from "../../protocol/offset.ts";
import { CLOSED_HEADER, UP_TO_DATE_HEADER } from "../../protocol/stream-headers.ts";
import { type ByteRange, wantedRange } from "../request/byte-range.ts";
import { conditionFailed, conditionsOf, judge, rangeApplies } from "../request/conditions.ts";
import type { ReadParameters } from "../request/read-parameters.ts";
import { openBody, watchReader } from "../service/large-read.ts";
import { LogSpan } from "../service/log-span.ts";
import type { Exchange, Service } from "../service/service.ts";
import { checkPermission } from "../timers/expiry.ts";
import { bodyAbort, countBytes } from "./count-bytes.ts";
import { whenDropped } from "./dropped-body.ts";
import { mediaTypeOf } from "./media-type.ts";
import { reportFailures } from "./report-failures.ts";
import { snapshotHeaders } from "./resource-headers.ts";
import { untilExpired } from "./until-expired.ts";

/** What the request asks for. */
interface SnapshotParameters extends ReadParameters {
  /** Whether `Range`, `If-None-Match` and the like apply. A follower gets everything. */
  readonly conditional: boolean;
}

/** How many times a read begins. Content that changes again and again is reported. */
const MAX_STARTS = 3;

/**
 * Answers a read. Starts over if the content is removed or replaced after it was checked, and before its first byte was
 * read, unless the request names its generation.
 */
export async function unlessChanged(
  { generation }: ReadParameters,
  answer: () => Promise<Response>,
): Promise<Response> {
  for (let starts = 1; ; starts++) {
    try {
      return await answer();
    } catch (error) {
      const code = error instanceof StreamError ? error.code : undefined;
      const isChanged = code === "changed" || (code === "replaced" && generation === undefined);
      if (!isChanged || starts === MAX_STARTS) throw error;
    }
  }
}

/**
 * Responds with the bytes that are stored at present.
 *
 * @throws {StreamError} `replaced` if the content is not the generation of the request, `range` for an offset
 * past the end, `precondition_failed`, `bad_request`; what the store throws at the first byte, `changed` and `replaced`
 * among it.
 */
export async function readSnapshot(
  service: Service,
  exchange: Exchange,
  found: StoreStat,
  { start: wanted, hasStart, generation, conditional }: SnapshotParameters,
): Promise<Response> {
  const { c, subject } = exchange;
  const { path } = subject;
  checkGeneration(path, generation, found.generation);
  const start = resolveStart(wanted, found.size);
  const headers = snapshotHeaders(found, { start: wanted, isHead: c.req.method === "HEAD", server: service });
  // A follower counts its offset from here.
  if (!conditional || hasStart) headers.set(START_OFFSET_HEADER, formatOffset(start));
  const unmodified = conditional && isUnmodified(c.req.raw.headers, found, path, wanted);
  // A 304 needs it as well: Node's adapter would add a type of its own, which caches would store.
  headers.set("Content-Type", await mediaTypeOf(service.store, { ...found, path }));
  checkPermission(exchange);
  if (unmodified) return new Response(null, { status: 304, headers });
  if (hasStart) return body(200, start, found.size);
  const range = conditional ? rangeOf(c.req.raw, found) : undefined;
  if (range === undefined) return body(200, 0, found.size);
  headers.set("Content-Range", `bytes ${range.from}-${range.to - 1}/${found.size}`);
  return body(206, range.from, range.to);

  async function body(status: number, from: number, to: number): Promise<Response> {
    headers.set("Content-Length", String(to - from));
    if (to < found.size) {
      headers.delete(UP_TO_DATE_HEADER);
      headers.delete(CLOSED_HEADER);
    }
    if (c.req.method === "HEAD") return new Response(null, { status, headers });
    return openBody(service, exchange, to - from, async () => {
      const stored = service.store.read(path, from, to, goneSignal(exchange), found.generation || undefined);
      const bytes = untilExpired(exchange, await openedStream(stored));
      const sent = conditional
        ? reportFailures(service, exchange, bytes, to - from)
        : followed(service, exchange, bytes, { from, to });
      return new Response(sent, { status, headers });
    });
  }
}

/** The body for a follower of a path that has no appender. It is logged as a follow. */
function followed(
  service: Service,
  exchange: Exchange,
  body: ReadableStream<Uint8Array>,
  { from, to }: { from: number; to: number },
): ReadableStream<Uint8Array> {
  const { c, subject, slot, result } = exchange;
  if (slot) slot.isKept = true;
  const span = new LogSpan(service, subject, { type: "follow", transport: "http", offset: from }, undefined, result);
  result.open();
  const ended = (bytes: number, _isWhole: boolean, error?: unknown): void => {
    const reason = from + bytes === to ? "complete" : "gone";
    const failure = error === undefined ? undefined : StreamError.from(error, "storage");
    if (failure) service.reporter.failedIfFault(subject.path, failure);
    span.end(from + bytes, failure?.code ?? reason, failure);
  };
  const sent = countBytes(body, ended, bodyAbort(exchange), (stalled) => watchReader(service, exchange, stalled));
  whenDropped(c, sent, () => sent.cancel().catch(() => {}));
  return sent;
}

/** Aborts when the client is gone, where the runtime does not cancel every body. */
export function goneSignal({ c, platform }: Exchange): AbortSignal | undefined {
  if (!platform.onGone) return undefined;
  const gone = new AbortController();
  platform.onGone(c, () => gone.abort());
  return gone.signal;
}

/**
 * Whether the client has what a read would send.
 *
 * @param start Where the read starts. Nothing is ever the same at the end.
 * @throws {StreamError} `precondition_failed`
 */
export function isUnmodified(request: Headers, found: StoreStat, path: string, start: Start): boolean {
  const conditions = start === "now" ? undefined : conditionsOf(request);
  const verdict = conditions && judge(conditions, found, true, Date.now());
  if (conditions && verdict === "failed") throw conditionFailed(conditions, path, found);
  return verdict === "unmodified";
}

/**
 * The range to respond with; `undefined` to send everything.
 *
 * @throws {StreamError} `range` if everything that is asked for lies past the end.
 */
function rangeOf({ method, headers }: Request, found: StoreStat): ByteRange | undefined {
  const asked = headers.get("Range");
  if (method !== "GET" || asked === null || !rangeApplies(headers.get("If-Range"), found, Date.now())) return undefined;
  const range = wantedRange(asked, found.size);
  if (range === "whole") return undefined;
  if (range !== "none") return range;
  throw new StreamError("range", `The range ${asked} lies past the end; the size is ${found.size} bytes.`, {
    headers: { [NEXT_OFFSET_HEADER]: formatOffset(found.size), "Content-Range": `bytes */${found.size}` },
  });
}
