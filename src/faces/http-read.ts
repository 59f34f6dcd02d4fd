/**
 * Reading over plain HTTP: what is stored now, with the manners of a good static file server.
 * @module
 */
import fresh from "fresh";
import parseRange from "range-parser";
import { StreamError } from "../core/errors.ts";
import { formatOffset, NEXT_OFFSET_HEADER, parseStart, resolveStart, START_OFFSET_HEADER } from "../core/offset.ts";
import type { StoreStat } from "../core/store.ts";
import { counted } from "./counted.ts";
import { LogSpan } from "./log-span.ts";
import { reported } from "./reported.ts";
import { snapshotHeaders } from "./resource-headers.ts";
import type { Exchange, Service } from "./service.ts";

/**
 * Answers with the bytes stored now.
 *
 * @param conditional Whether `Range`, `If-None-Match` and the like count. A follower gets everything.
 * @throws {StreamError} `range` for an offset past the end, `bad_request`.
 */
export function readSnapshot(service: Service, exchange: Exchange, found: StoreStat, conditional: boolean): Response {
  const { c, subject } = exchange;
  const { path } = subject;
  const { offset, tail } = c.req.query();
  const start = resolveStart(parseStart(offset, tail), found.size);
  const headers = snapshotHeaders(path, found);
  // A follower counts from here.
  if (!conditional || offset !== undefined || tail !== undefined) headers.set(START_OFFSET_HEADER, formatOffset(start));
  if (conditional && isFresh(c.req.raw.headers, headers)) return new Response(null, { status: 304, headers });
  if (offset !== undefined || tail !== undefined) return body(200, start, found.size);
  const range = conditional ? wantedRange(c.req.raw.headers, headers, found.size) : undefined;
  if (range === undefined) return body(200, 0, found.size);
  headers.set("Content-Range", `bytes ${range.start}-${range.end}/${found.size}`);
  return body(206, range.start, range.end + 1);

  function body(status: number, from: number, to: number): Response {
    headers.set("Content-Length", String(to - from));
    if (c.req.method === "HEAD") return new Response(null, { status, headers });
    const bytes = service.store.read(path, from, to, goneSignal(exchange));
    const sent = conditional ? reported(service, exchange, bytes) : followed(service, exchange, bytes, { from, to });
    return new Response(sent, { status, headers });
  }
}

/** The body for a follower, who is logged although there is nobody to wait for. */
function followed(
  service: Service,
  { subject }: Exchange,
  body: ReadableStream<Uint8Array>,
  { from, to }: { from: number; to: number },
): ReadableStream<Uint8Array> {
  const span = new LogSpan(service, subject, { type: "follow", transport: "http", offset: from });
  return counted(body, (bytes, error) => {
    const reason = from + bytes === to ? "complete" : "gone";
    const failure = error === undefined ? undefined : StreamError.from(error, "storage");
    if (failure) service.operator.failedIfFault(subject.path, failure);
    span.end(from + bytes, failure?.code ?? reason);
  });
}

/** Aborts when the client has gone, where the runtime does not cancel every body by itself. */
function goneSignal({ c, platform }: Exchange): AbortSignal | undefined {
  if (!platform.onGone) return undefined;
  const gone = new AbortController();
  platform.onGone(c, () => gone.abort());
  return gone.signal;
}

function isFresh(request: Headers, response: Headers): boolean {
  return fresh(Object.fromEntries(request), Object.fromEntries(response));
}

/** The one range to answer with; nothing where the whole is to be sent. */
function wantedRange(request: Headers, response: Headers, size: number): { start: number; end: number } | undefined {
  const asked = request.get("Range");
  if (asked === null || !rangeStillApplies(request.get("If-Range"), response)) return undefined;
  // A unit's case does not matter, and a suffix longer than the whole means the whole, but not to the library.
  const capped = asked
    .toLowerCase()
    .replace(/(=|,)(\s*)-(\d+)/g, (_, before, space, last) => `${before}${space}-${Math.min(last, size)}`);
  const ranges = parseRange(size, capped, { combine: true });
  if (ranges === -1) {
    throw new StreamError("range", `The range ${asked} lies past the end; the size is ${size} bytes.`, {
      headers: { [NEXT_OFFSET_HEADER]: formatOffset(size), "Content-Range": `bytes */${size}` },
    });
  }
  // Several ranges would need a multipart body; the whole is an answer that every client must take.
  if (ranges === -2 || ranges.type !== "bytes" || ranges.length !== 1) return undefined;
  return ranges[0];
}

function rangeStillApplies(condition: string | null, response: Headers): boolean {
  if (condition === null) return true;
  if (condition.includes('"')) return condition === response.get("ETag");
  return condition === response.get("Last-Modified");
}
