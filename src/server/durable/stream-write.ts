/**
 * The parameters of a `PUT` or `POST` without a verb, besides its path.
 * @module
 */
import type { Context } from "hono";
import type { PathPreconditions } from "../../engine/append/preconditions.ts";
import type { ForkSpec } from "../../engine/durable/creation.ts";
import type { Lifetime, ProducerStamp } from "../../engine/storage/stream-state.ts";
import { StreamError } from "../../protocol/errors.ts";
import { isMediaType } from "../../protocol/media-type.ts";
import { parseStreamOffset } from "../../protocol/offset.ts";
import { resourcePath } from "../../protocol/path.ts";
import {
  EXPIRES_HEADER,
  FORK_HEADERS,
  PRODUCER_HEADERS,
  SEQ_HEADER,
  TTL_HEADER,
} from "../../protocol/stream-headers.ts";
import { isClosing, preconditionsOf } from "../request/append-parameters.ts";

/** The parameters of a `PUT` or `POST` without a verb. */
export interface StreamWrite {
  readonly method: "PUT" | "POST";
  /** The `Content-Type` as sent; undefined without one. */
  readonly type: string | undefined;
  readonly closes: boolean;
  readonly seq: string | undefined;
  readonly producer: ProducerStamp | undefined;
  readonly lifetime: Lifetime;
  readonly fork: ForkSpec | undefined;
  readonly preconditions: PathPreconditions;
}

/** Where the paths of the request begin. */
export interface WritePlace {
  /** The encoded URL path of the scope, without a trailing slash. */
  readonly base: string;
  /** The folder that the request sees; empty for the whole root. */
  readonly scope: string;
}

/** Maximum characters of a value that is stored. */
const MAX_CHARACTERS = 1_024;

/** Maximum characters of a time, which each answer to a reader repeats. */
const MAX_TIME_CHARACTERS = 64;

/** RFC 3339. */
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * Parses the headers.
 *
 * @throws {StreamError} `bad_request`, `bad_path`
 */
export function streamWrite(c: Context, place: WritePlace): StreamWrite {
  const method = c.req.method === "PUT" ? "PUT" : "POST";
  const isCreation = method === "PUT";
  const given = c.req.header("Content-Type")?.trim() || undefined;
  return {
    method,
    // A stream without a type has that of its extension.
    type: isCreation && given !== undefined && !isMediaType(given) ? undefined : given,
    closes: isClosing(c),
    seq: isCreation ? undefined : checked(SEQ_HEADER, c.req.header(SEQ_HEADER)),
    producer: isCreation ? undefined : producerOf(c),
    lifetime: isCreation ? lifetimeOf(c) : {},
    fork: isCreation ? forkOf(c, place) : undefined,
    preconditions: preconditionsOf(c),
  };
}

function producerOf(c: Context): ProducerStamp | undefined {
  const id = c.req.header(PRODUCER_HEADERS.id);
  const epoch = c.req.header(PRODUCER_HEADERS.epoch);
  const seq = c.req.header(PRODUCER_HEADERS.seq);
  if (id === undefined && epoch === undefined && seq === undefined) return undefined;
  if (id === undefined || epoch === undefined || seq === undefined) {
    const names = [PRODUCER_HEADERS.id, PRODUCER_HEADERS.epoch, PRODUCER_HEADERS.seq].join(", ");
    throw new StreamError("bad_request", `Send all of ${names}, or leave all of them out.`);
  }
  if (id.trim() === "") throw new StreamError("bad_request", `${PRODUCER_HEADERS.id} must not be empty.`);
  checked(PRODUCER_HEADERS.id, id);
  return { id, epoch: wholeNumber(PRODUCER_HEADERS.epoch, epoch), seq: wholeNumber(PRODUCER_HEADERS.seq, seq) };
}

function lifetimeOf(c: Context): Lifetime {
  const ttl = c.req.header(TTL_HEADER);
  const expiresAt = checked(EXPIRES_HEADER, c.req.header(EXPIRES_HEADER), MAX_TIME_CHARACTERS);
  if (ttl !== undefined && expiresAt !== undefined) {
    throw new StreamError("bad_request", `Send ${TTL_HEADER} or ${EXPIRES_HEADER}, not both.`);
  }
  if (ttl !== undefined && !(/^(0|[1-9]\d*)$/.test(ttl) && Number.isSafeInteger(Number(ttl)))) {
    throw new StreamError("bad_request", `${TTL_HEADER} must be a whole number of seconds, without leading zeros.`);
  }
  if (expiresAt !== undefined && !(TIME.test(expiresAt) && Number.isFinite(Date.parse(expiresAt)))) {
    throw new StreamError("bad_request", `${EXPIRES_HEADER} must be a time such as 2030-01-31T12:00:00Z.`);
  }
  return { ...(ttl !== undefined && { ttlSeconds: Number(ttl) }), ...(expiresAt !== undefined && { expiresAt }) };
}

function forkOf(c: Context, { base, scope }: WritePlace): ForkSpec | undefined {
  const from = c.req.header(FORK_HEADERS.from);
  const offset = c.req.header(FORK_HEADERS.offset);
  const sub = c.req.header(FORK_HEADERS.sub);
  if (from === undefined) {
    if (offset === undefined && sub === undefined) return undefined;
    throw new StreamError("bad_request", `${FORK_HEADERS.offset} and ${FORK_HEADERS.sub} need ${FORK_HEADERS.from}.`);
  }
  if (sub !== undefined && !(/^(0|[1-9]\d*)$/.test(sub) && Number.isSafeInteger(Number(sub)))) {
    throw new StreamError("bad_request", `${FORK_HEADERS.sub} must be a whole number, without leading zeros.`);
  }
  const past = Number(sub ?? 0);
  if (past > 0 && offset === undefined) {
    throw new StreamError("bad_request", `${FORK_HEADERS.sub} needs ${FORK_HEADERS.offset}.`);
  }
  const source = sourceOf(from, base, scope);
  return {
    source,
    offset: offset === undefined ? undefined : parseStreamOffset(FORK_HEADERS.offset, offset),
    sub: past,
  };
}

/** The resource path of the source, which the client specifies by its URL path. */
function sourceOf(from: string, base: string, scope: string): string {
  const above = base.split("/");
  const segments = from.split("/");
  if (!above.every((segment, at) => isSameSegment(segment, segments[at]))) {
    throw new StreamError("bad_request", `${FORK_HEADERS.from} must be the URL path of a stream of this server.`);
  }
  const below = resourcePath(from, { skip: above.length - 1, sent: from });
  if (below === "") throw new StreamError("bad_request", `${FORK_HEADERS.from} is not the path of a stream.`);
  return scope === "" ? below : `${scope}/${below}`;
}

/** Whether two segments of a URL are the same once they are decoded: a client may encode more than it must. */
function isSameSegment(one: string, other: string | undefined): boolean {
  if (one === other || other === undefined) return one === other;
  try {
    return decodeURIComponent(one) === decodeURIComponent(other);
  } catch {
    return false;
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new StreamError("bad_request", `${name} must be a whole number up to 2^53-1.`);
}

function checked(name: string, value: string | undefined, max: number = MAX_CHARACTERS): string | undefined {
  if (value === undefined || value.length <= max) return value;
  throw new StreamError("bad_request", `${name} must have at most ${max} characters.`);
}
