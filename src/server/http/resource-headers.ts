/**
 * The headers for stored content.
 * @module
 */
import type { FollowedContent } from "../../engine/follow/follow.ts";
import type { StoreStat } from "../../engine/storage/store.ts";
import { formatOffset, NEXT_OFFSET_HEADER, START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { entityTag, lastModified } from "../request/conditions.ts";
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
  });
}

/** Headers of a snapshot except for its type. */
export function snapshotHeaders(found: StoreStat): Headers {
  return new Headers({
    ...SANDBOX_HEADERS,
    ...contentHeaders(found),
    "Cache-Control": "no-cache",
    "Accept-Ranges": "bytes",
    "Last-Modified": lastModified(found, Date.now()).toUTCString(),
    ETag: entityTag(found),
    [NEXT_OFFSET_HEADER]: formatOffset(found.size),
  });
}
