/**
 * The headers for stored content.
 * @module
 */
import type { FollowedContent } from "../../engine/follow/follow.ts";
import type { StoreStat } from "../../engine/storage/store.ts";
import { formatOffset, NEXT_OFFSET_HEADER, START_OFFSET_HEADER, type Start } from "../../protocol/offset.ts";
import { CLOSED_HEADER, EXPIRES_HEADER, TTL_HEADER, UP_TO_DATE_HEADER } from "../../protocol/stream-headers.ts";
import { entityTag, lastModified } from "../request/conditions.ts";
import type { Service } from "../service/service.ts";
import { contentHeaders } from "./content-headers.ts";

/** Stored content is untrusted: a browser that displays it must not run it with this server's origin. */
const SANDBOX_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy":
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'",
};

/** Headers of a live body except for its type. Its final size is not known yet. */
export function liveHeaders(content: FollowedContent, start: number): Headers {
  return new Headers({
    ...SANDBOX_HEADERS,
    ...contentHeaders(content),
    // Compression in front of this app would gather the body first.
    "Cache-Control": "no-store, no-transform",
    // A unique tag that no client validates. Without it, middleware that adds a missing ETag would read the whole body
    // first, which lasts until the append ends.
    ETag: `W/"${crypto.randomUUID()}"`,
    // A buffering proxy would hold back the newest bytes.
    "X-Accel-Buffering": "no",
    [START_OFFSET_HEADER]: formatOffset(start),
    ...(content.stream?.closed && { [CLOSED_HEADER]: "true" }),
  });
}

/** What a snapshot is made for. */
export interface SnapshotUse {
  readonly start: Start;
  readonly isHead: boolean;
  readonly server: Pick<Service, "cacheSeconds" | "authorize">;
}

/** Headers of a snapshot except for its type. */
export function snapshotHeaders(found: StoreStat, { start, isHead, server }: SnapshotUse): Headers {
  const isNow = start === "now";
  return new Headers({
    ...SANDBOX_HEADERS,
    ...contentHeaders(found),
    // The offset of the end is valid only now.
    "Cache-Control": isNow || (isHead && found.stream) ? "no-store" : cacheControl(server),
    "Accept-Ranges": "bytes",
    "Last-Modified": lastModified(found, Date.now()).toUTCString(),
    ...(isNow ? {} : { ETag: entityTag(found) }),
    [NEXT_OFFSET_HEADER]: formatOffset(found.size),
    [UP_TO_DATE_HEADER]: "true",
    ...streamHeaders(found),
  });
}

function cacheControl(server: SnapshotUse["server"]): string {
  return server.cacheSeconds === 0 ? "no-cache" : cachedFor(server.cacheSeconds, server);
}

/** The `Cache-Control` of what caches may keep: shared ones, too, unless a gate decides who reads it. */
export function cachedFor(seconds: number, { authorize }: Pick<Service, "authorize">): string {
  return `${authorize ? "private" : "public"}, max-age=${seconds}`;
}

/** The headers for the state of a stream. */
function streamHeaders({ stream }: StoreStat): Record<string, string> {
  return {
    ...(stream?.closed && { [CLOSED_HEADER]: "true" }),
    ...(stream?.ttlSeconds !== undefined && { [TTL_HEADER]: String(stream.ttlSeconds) }),
    ...(stream?.expiresAt !== undefined && { [EXPIRES_HEADER]: stream.expiresAt }),
  };
}
