/**
 * Reading a stream of JSON messages: its lines, as one array.
 * @module
 */

import { lineEndOf } from "../../engine/storage/json-tail.ts";
import { openedStream } from "../../engine/storage/range-stream.ts";
import type { StoreStat } from "../../engine/storage/store.ts";
import { checkGeneration } from "../../protocol/generation.ts";
import { formatOffset, NEXT_OFFSET_HEADER, resolveStart, START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { goneSignal, isUnmodified } from "../http/read.ts";
import { reportFailures } from "../http/report-failures.ts";
import { snapshotHeaders } from "../http/resource-headers.ts";
import { untilExpired } from "../http/until-expired.ts";
import type { ReadParameters } from "../request/read-parameters.ts";
import { openBody } from "../service/large-read.ts";
import type { Exchange, Service } from "../service/service.ts";
import { checkPermission } from "../timers/expiry.ts";
import { arrayOf } from "./json-array.ts";
import { jsonChecksOf } from "./json-checks.ts";

/**
 * Responds with the messages that are stored at present. A line that another program has begun and not finished is left
 * out.
 *
 * @throws {StreamError} `replaced`, `range`, `precondition_failed`; `bad_request` for an offset inside a message;
 * `changed` if the lines are not JSON.
 */
export async function readJson(
  service: Service,
  exchange: Exchange,
  found: StoreStat,
  { start: wanted, generation, hasStart }: ReadParameters,
): Promise<Response> {
  const { c, subject } = exchange;
  const { path } = subject;
  const { store } = service;
  checkGeneration(path, generation, found.generation);
  const size = await lineEndOf(store, path, found);
  const from = await jsonChecksOf(service.store).startOf(
    path,
    found,
    resolveStart(wanted, size),
    "tail" in Object(wanted),
  );
  const headers = snapshotHeaders(found, { start: wanted, isHead: c.req.method === "HEAD", server: service });
  headers.set(NEXT_OFFSET_HEADER, formatOffset(size));
  headers.delete("Accept-Ranges");
  headers.set("Content-Type", found.stream?.type ?? "application/json");
  if (hasStart) headers.set(START_OFFSET_HEADER, formatOffset(from));
  checkPermission(exchange);
  if (isUnmodified(c.req.raw.headers, found, path, wanted)) return new Response(null, { status: 304, headers });
  await jsonChecksOf(service.store).check(path, found, from, size);
  const length = Math.max(2, size - from + 1);
  headers.set("Content-Length", String(length));
  if (c.req.method === "HEAD") return new Response(null, { headers });
  return openBody(service, exchange, length, async () => {
    const stored = store.read(path, from, size, goneSignal(exchange), found.generation || undefined);
    const body = arrayOf(untilExpired(exchange, await openedStream(stored)), size - from);
    return new Response(reportFailures(service, exchange, body, length), { headers });
  });
}
