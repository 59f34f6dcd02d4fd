/**
 * The headers and conditions of answers about a content.
 * @module
 */
import type { StoreStat } from "../../engine/storage/store.ts";
import { checkGeneration } from "../../protocol/generation.ts";
import { formatOffset, NEXT_OFFSET_HEADER } from "../../protocol/offset.ts";
import { contentHeaders } from "../http/content-headers.ts";
import { conditionFailed, conditionsOf, judge } from "../request/conditions.ts";
import { withoutKept } from "../service/kept-claims.ts";
import type { Exchange, Service } from "../service/service.ts";

/** The headers of an answer. Caches must not keep it, because it is valid for one size only. */
export function viewHeaders(service: Service, path: string, found: StoreStat, type: string): Headers {
  return new Headers({
    ...contentHeaders(withoutKept(service, path, found)),
    "Content-Type": type,
    "Cache-Control": "no-store",
    // A unique tag that no client validates. Without it, middleware that adds a missing ETag would gather the whole answer.
    ETag: `W/"${crypto.randomUUID()}"`,
    "X-Content-Type-Options": "nosniff",
    [NEXT_OFFSET_HEADER]: formatOffset(found.size),
  });
}

/**
 * Checks the conditions of the request about the content. Those that a cache sends do not apply, because the entity tag of
 * the answer is never valid again.
 *
 * @throws {StreamError} `replaced`, `precondition_failed`
 */
export function checkContent({ c, subject }: Exchange, found: StoreStat, generation: string | undefined): void {
  const { path } = subject;
  checkGeneration(path, generation, found.generation);
  const conditions = conditionsOf(c.req.raw.headers);
  if (!conditions) return;
  const required = { ...conditions, ifNoneMatch: null, ifModifiedSince: undefined };
  if (judge(required, found, true, Date.now()) === "failed") throw conditionFailed(required, path, found);
}
