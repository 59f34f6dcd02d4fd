/**
 * The headers that go with stored bytes.
 * @module
 */
import type { Followable } from "../../engine/follow/followable.ts";
import type { StoreStat } from "../../engine/storage/store.ts";
import { formatOffset, NEXT_OFFSET_HEADER, START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { entityTag, lastModified } from "../request/conditions.ts";

import { contentHeaders, growing } from "./content-headers.ts";

/** Stored bytes are other people's bytes: a browser that shows them must not run them in this server's name. */
const HARMLESS = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy":
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'",
};

/** Headers of a live body, which has no size yet; but for its type. */
export function liveHeaders(source: Followable, start: number): Headers {
  return new Headers({
    ...HARMLESS,
    ...contentHeaders(growing(source)),
    // Whatever compresses a body in front of us gathers it first.
    "Cache-Control": "no-store, no-transform",
    // Of its own each time, and never asked for again: middleware that makes an ETag where there is none reads the whole
    // body for it, which here means until the appender ends.
    ETag: `W/"${crypto.randomUUID()}"`,
    // Proxies that buffer would hold the newest bytes back.
    "X-Accel-Buffering": "no",
    [START_OFFSET_HEADER]: formatOffset(start),
  });
}

/** Headers of a snapshot, but for its type. */
export function snapshotHeaders(found: StoreStat): Headers {
  return new Headers({
    ...HARMLESS,
    ...contentHeaders(found),
    "Cache-Control": "no-cache",
    "Accept-Ranges": "bytes",
    "Last-Modified": lastModified(found, Date.now()).toUTCString(),
    ETag: entityTag(found),
    [NEXT_OFFSET_HEADER]: formatOffset(found.size),
  });
}
