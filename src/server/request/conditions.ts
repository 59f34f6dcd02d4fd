/**
 * Conditional requests (RFC 9110, section 13).
 *
 * HTTP dates have whole seconds, but a file may grow several times within one second. A date therefore counts only if
 * nothing was written since that second began. `Last-Modified` is never a time before which something may still be
 * written: it is rounded up, and lies at least a little more than a second before now.
 * @module
 */

import type { StoreStat } from "../../engine/storage/store.ts";
import { StreamError } from "../../protocol/errors.ts";
import { isJsonType } from "../../protocol/media-type.ts";
import { formatOffset, NEXT_OFFSET_HEADER } from "../../protocol/offset.ts";
import { parseHttpDate, writableDate } from "./http-date.ts";

/** Milliseconds by which a file system's clock may lag. */
const CLOCK_GRAIN_MS = 50;

/** Milliseconds by which the `Date` of a response may lag: Deno and Bun cache it for up to a second. */
const DATE_LAG_MS = 1_000;

/** The outcome of a request's conditions: proceed, answer 304, or refuse with 412. */
export type Verdict = "met" | "unmodified" | "failed";

/** The headers that make a request conditional. */
export interface Conditions {
  readonly ifMatch: string | null;
  readonly ifNoneMatch: string | null;
  /** In milliseconds since 1970. */
  readonly ifUnmodifiedSince: number | undefined;
  readonly ifModifiedSince: number | undefined;
}

/** The conditions of a request; `undefined` if it has no conditions. */
export function conditionsOf(headers: Headers): Conditions | undefined {
  const conditions: Conditions = {
    ifMatch: headers.get("If-Match"),
    ifNoneMatch: headers.get("If-None-Match"),
    ifUnmodifiedSince: parseHttpDate(headers.get("If-Unmodified-Since") ?? ""),
    ifModifiedSince: parseHttpDate(headers.get("If-Modified-Since") ?? ""),
  };
  return Object.values(conditions).some((value) => value !== null && value !== undefined) ? conditions : undefined;
}

/**
 * Evaluates conditions in the order of section 13.2.2.
 *
 * @param found What the path holds; `undefined` if it does not exist.
 * @param reads Whether the request only reads: a GET or HEAD.
 * @param nowMs The current time, in milliseconds since 1970.
 */
export function judge(conditions: Conditions, found: StoreStat | undefined, reads: boolean, nowMs: number): Verdict {
  const { ifMatch, ifNoneMatch, ifUnmodifiedSince, ifModifiedSince } = conditions;
  if (ifMatch !== null) {
    if (!matches(ifMatch, found, isSameStrong)) return "failed";
  } else if (ifUnmodifiedSince !== undefined && found && latestWriteMs(found.modified) > ifUnmodifiedSince)
    return "failed";

  if (ifNoneMatch !== null) {
    if (matches(ifNoneMatch, found, isSameWeak)) return reads ? "unmodified" : "failed";
  } else if (reads && found && ifModifiedSince !== undefined && isUnmodified(found, ifModifiedSince, nowMs)) {
    return "unmodified";
  }
  return "met";
}

/**
 * Refuses an append whose conditions do not hold.
 *
 * @throws {StreamError} `precondition_failed`
 */
export function requireConditions(conditions: Conditions, found: StoreStat | undefined, path: string): void {
  if (judge(conditions, found, false, Date.now()) === "met") return;
  throw conditionFailed(conditions, path, found, " Nothing was changed.");
}

/** The refusal of a request whose conditions do not hold. */
export function conditionFailed(
  { ifMatch, ifNoneMatch, ifUnmodifiedSince }: Conditions,
  path: string,
  found: StoreStat | undefined,
  outcome = "",
): StreamError {
  if (!found) {
    return new StreamError("precondition_failed", `"/${path}" does not exist, but If-Match requires it.${outcome}`, {
      path,
    });
  }
  const headers = { [NEXT_OFFSET_HEADER]: formatOffset(found.size), ETag: entityTag(found) };
  const isMismatch = ifMatch !== null && !matches(ifMatch, found, isSameStrong);
  const isModified =
    ifMatch === null && ifUnmodifiedSince !== undefined && latestWriteMs(found.modified) > ifUnmodifiedSince;
  const isNew = ifNoneMatch?.trim() === "*";
  let why = isNew ? "exists, but If-None-Match requires that it does not" : "has the ETag that If-None-Match excludes";
  if (isMismatch) why = "has changed: its ETag does not match If-Match";
  if (isModified) why = "was modified after If-Unmodified-Since";
  const message = `"/${path}" ${why}.${outcome}`;
  return new StreamError("precondition_failed", message, { path, headers });
}

/** Whether the conditions can only hold for a path that exists. */
export function needsExistence({ ifMatch }: Conditions): boolean {
  return ifMatch !== null;
}

/**
 * Whether a `Range` still applies to the content that the client has begun to read (section 13.1.5).
 *
 * @param condition The `If-Range` header.
 * @param nowMs The current time, in milliseconds since 1970.
 */
export function rangeApplies(condition: string | null, found: StoreStat, nowMs: number): boolean {
  if (condition === null) return true;
  const tag = condition.trim();
  if (tag.includes('"')) return isSameStrong(tag, entityTag(found));
  const date = parseHttpDate(tag);
  return date !== undefined && date === modifiedMs(found) && isUnmodified(found, date, nowMs);
}

/**
 * A strong validator of a path's content: two equal tags mean equal bytes.
 *
 * @example
 * ```ts
 * entityTag({ size: 5, modified: new Date(1000), generation: "g" }); // '"g-5-rs"'
 * ```
 */
export function entityTag({ generation, size, modified, stream }: StoreStat): string {
  const parts = [encodeURIComponent(generation), size.toString(36), modified.getTime().toString(36)];
  // A stream of JSON is read in another form than its bytes, and a read of a closed stream says so.
  if (isJsonType(stream?.type)) parts.push("json");
  if (stream?.closed) parts.push("closed");
  return `"${parts.join("-")}"`;
}

/**
 * The time to send as `Last-Modified`.
 *
 * @param nowMs The current time, in milliseconds since 1970.
 */
export function lastModified(found: StoreStat, nowMs: number): Date {
  const latestMs = Math.floor((nowMs - DATE_LAG_MS - CLOCK_GRAIN_MS) / 1000) * 1000;
  return new Date(Math.min(modifiedMs(found), latestMs));
}

/** When a path was last written, in milliseconds since 1970, rounded up to a whole second. */
function modifiedMs({ modified }: StoreStat): number {
  return Math.ceil(latestWriteMs(writableDate(modified)) / 1000) * 1000;
}

/**
 * The latest time at which a path may have been written, in milliseconds since 1970. The clock of the file system lags, so
 * a write after the beginning of a second may seem to lie before it. A whole second was set by hand.
 */
function latestWriteMs(modified: Date): number {
  const ms = modified.getTime();
  return ms % 1000 === 0 ? ms : ms + CLOCK_GRAIN_MS;
}

/** Whether nothing was written after a date. A future date proves nothing, as more may be written before it. */
function isUnmodified({ modified }: StoreStat, sinceMs: number, nowMs: number): boolean {
  return latestWriteMs(modified) <= sinceMs && sinceMs <= nowMs;
}

function matches(
  wanted: string,
  found: StoreStat | undefined,
  isSame: (one: string, other: string) => boolean,
): boolean {
  if (!found) return false;
  if (wanted.trim() === "*") return true;
  const current = entityTag(found);
  return entityTags(wanted).some((tag) => isSame(tag, current));
}

/** The entity tags in a list; a tag may contain a comma. Anything that is not a tag is ignored. */
function entityTags(list: string): string[] {
  return list.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\uffff]*"/g) ?? [];
}

function isSameStrong(one: string, other: string): boolean {
  return one === other && !one.startsWith("W/");
}

function isSameWeak(one: string, other: string): boolean {
  return one.replace(/^W\//, "") === other.replace(/^W\//, "");
}
