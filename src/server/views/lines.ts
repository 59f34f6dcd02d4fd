/**
 * Answers `?lines`: the line feeds of each block of a resource.
 * @module
 */
import { BLOCK_BYTES, type BlockCounts, blocksOf } from "../../engine/scan/block-counts.ts";
import type { StoreStat } from "../../engine/storage/store.ts";
import { StreamError } from "../../protocol/errors.ts";
import { formatOffset, NEXT_OFFSET_HEADER } from "../../protocol/offset.ts";
import { reportFailures } from "../http/report-failures.ts";
import { untilExpired } from "../http/until-expired.ts";
import type { LinesParameters, ReadParameters } from "../request/read-parameters.ts";
import { openBody } from "../service/large-read.ts";
import type { Exchange, Service } from "../service/service.ts";
import { checkPermission } from "../timers/expiry.ts";
import { checkContent, viewHeaders } from "./view-headers.ts";
import { whileWanted } from "./while-wanted.ts";

/** Maximum attempts if the content is replaced during the count. */
const ATTEMPTS = 3;

/**
 * Responds with the counts as JSON. A HEAD counts nothing.
 *
 * @throws {StreamError} `replaced`, `precondition_failed`, `range`, `overloaded`, `too_many`; `too_large` for a resource of
 * more than `lineIndexBytes`; `not_found` if it is removed meanwhile, `changed` if its content is replaced at each attempt.
 */
export async function readLines(
  service: Service,
  exchange: Exchange,
  found: StoreStat,
  { generation }: ReadParameters,
  { from }: LinesParameters,
): Promise<Response> {
  const { c, subject } = exchange;
  const { path } = subject;
  checkContent(exchange, found, generation);
  if (c.req.method === "HEAD") {
    assertCountable(service, path, found, from);
    return new Response(null, { headers: viewHeaders(service, path, found, "application/json") });
  }
  const { seen, counts } = await countsOf(service, exchange, found, (now) => {
    checkContent(exchange, now, generation);
    assertCountable(service, path, now, from);
  });
  // The counts are shared, and another request may have extended them.
  const { size } = counts;
  const json = JSON.stringify({ block: BLOCK_BYTES, size, counts: counts.from(from) });
  const headers = viewHeaders(service, path, { ...seen, size }, "application/json");
  headers.set("Content-Length", String(json.length));
  checkPermission(exchange);
  return openBody(service, exchange, json.length, async () => {
    const body = new Blob([json]).stream();
    return new Response(reportFailures(service, exchange, untilExpired(exchange, body), json.length), { headers });
  });
}

async function countsOf(
  service: Service,
  exchange: Exchange,
  found: StoreStat,
  check: (found: StoreStat) => void,
): Promise<{ readonly seen: StoreStat; readonly counts: BlockCounts }> {
  const { path, peer } = exchange.subject;
  const wanted = whileWanted(service, exchange);
  try {
    for (let seen = found, attempt = 1; ; attempt++) {
      check(seen);
      try {
        return { seen, counts: await service.lineCounts.of(path, seen, { peer, signal: wanted.signal }) };
      } catch (error) {
        service.registry.assertOpen();
        const now = isChange(error) ? await service.store.stat(path) : seen;
        if (!now) throw new StreamError("not_found", `"/${path}" was removed.`, { path });
        if (!isChange(error) || attempt === ATTEMPTS) throw error;
        seen = now;
      }
    }
  } finally {
    wanted.release();
  }
}

function isChange(error: unknown): boolean {
  return error instanceof StreamError && (error.code === "changed" || error.code === "replaced");
}

/** @throws {StreamError} `too_large`, `range` */
function assertCountable({ limits }: Service, path: string, { size }: StoreStat, from: number): void {
  const { lineIndexBytes: max } = limits;
  if (max > 0 && size > max) {
    const message = `"/${path}" has ${size} bytes; lines are counted in resources of at most ${max} bytes (lineIndexBytes).`;
    throw new StreamError("too_large", `${message} Read it by offsets.`, { path });
  }
  const blocks = blocksOf(size);
  if (from <= blocks) return;
  throw new StreamError("range", `The block ${from} is past the end; "/${path}" has ${blocks} blocks.`, {
    path,
    headers: { [NEXT_OFFSET_HEADER]: formatOffset(size) },
  });
}
