/**
 * Answers `?search`: the places of a text in a resource, as lines of JSON.
 * @module
 */
import { Literal } from "../../engine/scan/literal.ts";
import { type Hit, type SearchEnd, search } from "../../engine/scan/search.ts";
import type { StoreStat } from "../../engine/storage/store.ts";
import { resolveStart } from "../../protocol/offset.ts";
import { reportFailures } from "../http/report-failures.ts";
import { untilExpired } from "../http/until-expired.ts";
import { LINES_TYPE, type ReadParameters, type SearchParameters } from "../request/read-parameters.ts";
import { openBody } from "../service/large-read.ts";
import type { Exchange, Service } from "../service/service.ts";
import { checkPermission } from "../timers/expiry.ts";
import { checkContent, viewHeaders } from "./view-headers.ts";
import { whileWanted } from "./while-wanted.ts";

const ENCODER = new TextEncoder();

/**
 * Responds with the hits as they are found, and with a last line about the end of the search.
 *
 * @throws {StreamError} `replaced`, `precondition_failed`, `range`, `overloaded`, `too_many`
 */
export async function readHits(
  service: Service,
  exchange: Exchange,
  found: StoreStat,
  { generation }: ReadParameters,
  { text, ignoreCase, from, limit }: SearchParameters,
): Promise<Response> {
  const { c, subject } = exchange;
  const { path, peer } = subject;
  checkContent(exchange, found, generation);
  resolveStart({ offset: from }, found.size);
  const headers = viewHeaders(service, path, found, LINES_TYPE);
  checkPermission(exchange);
  if (c.req.method === "HEAD") return new Response(null, { headers });
  const leave = service.searches.enter(peer);
  const wanted = whileWanted(service, exchange);
  // Also when the client leaves before its body is read, or has left already.
  if (wanted.signal.aborted) leave();
  wanted.signal.addEventListener("abort", leave, { once: true });
  const over = (): void => {
    leave();
    wanted.release();
  };
  const hits = search({
    ...{ store: service.store, turns: service.scanTurns, path, generation: found.generation, from, to: found.size },
    ...{ literal: new Literal(text, { ignoreCase }), limit, signal: wanted.signal },
  });
  try {
    // However few bytes the body has, it holds a file until the client has read it.
    return await openBody(service, exchange, Number.POSITIVE_INFINITY, async () => {
      const body = untilExpired(exchange, bodyOf(service, hits, found.size, over));
      return new Response(reportFailures(service, exchange, body, Number.POSITIVE_INFINITY), { headers });
    });
  } catch (error) {
    over();
    throw error;
  }
}

/** @param over Called when the search has ended. */
function bodyOf(
  { registry }: Service,
  hits: AsyncGenerator<readonly Hit[], SearchEnd, void>,
  size: number,
  over: () => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await hits.next();
          controller.enqueue(ENCODER.encode(done ? endLine(value, size) : value.map(hitLine).join("")));
          if (!done) return;
          controller.close();
        } catch (error) {
          over();
          registry.assertOpen();
          throw error;
        }
        over();
      },
      cancel() {
        over();
        // Not awaited: a read of the store may be under way.
        hits.return({ next: 0, isLimited: false }).catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}

function hitLine({ offset, lineStart }: Hit): string {
  return `{"offset":${offset},"line-start":${lineStart}}\n`;
}

function endLine({ next, isLimited }: SearchEnd, size: number): string {
  return `{"next":${next},"limited":${isLimited},"size":${size}}\n`;
}
