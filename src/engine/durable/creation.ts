/**
 * The parameters with which a client creates a stream, and their comparison with an existing one. Pure functions.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { essenceOf } from "../../protocol/media-type.ts";
import type { ForkOrigin, Lifetime, StreamState } from "../storage/stream-state.ts";

/** The type of bytes of which nothing is known. */
const BINARY = "application/octet-stream";

/** The part of a source that a client wants to fork. */
export interface ForkSpec {
  /** The path of the source. */
  readonly source: string;
  /** Undefined for the end of the source. */
  readonly offset: number | undefined;
  /** Bytes, or messages of JSON, past the offset. */
  readonly sub: number;
}

/** What a client asks for. */
export interface CreateSpec {
  /** Undefined if the request names none. */
  readonly type: string | undefined;
  /** The type that the path has without a stream. */
  readonly plainType: string | undefined;
  readonly lifetime: Lifetime;
  readonly closes: boolean;
  readonly bytes: Uint8Array;
  readonly fork: ForkSpec | undefined;
}

/** Whether an existing stream is what a client asks for. Its bytes do not matter. */
export function isSameStream(state: StreamState, ask: CreateSpec): boolean {
  const { fork } = ask;
  // A fork without a type has that of its source.
  const isSameType = (fork && ask.type === undefined) || nameOf(state.type) === nameOf(ask.type);
  const isSameFork =
    fork?.source === state.fork?.source &&
    (fork?.offset === undefined || fork.offset === state.fork?.offset) &&
    (fork?.sub ?? 0) === (state.fork?.sub ?? 0);
  const lifetime = state.asked ?? state;
  return (
    isSameType &&
    isSameFork &&
    lifetime.ttlSeconds === ask.lifetime.ttlSeconds &&
    lifetime.expiresAt === ask.lifetime.expiresAt &&
    (state.closed !== undefined) === ask.closes
  );
}

/** Whether a client may take a plain file for the stream that it asks for. */
export function isSameFile(ask: CreateSpec): boolean {
  const { ttlSeconds, expiresAt } = ask.lifetime;
  if (ask.fork || ask.closes || ttlSeconds !== undefined || expiresAt !== undefined) return false;
  return ask.plainType === undefined || essenceOf(ask.plainType) === nameOf(ask.type);
}

/**
 * The refusal of a stream that exists differently.
 *
 * @param state The state of the stream; undefined for a plain file.
 */
export function creationConflict(path: string, state: StreamState | undefined, ask: CreateSpec): StreamError {
  const message = `"/${path}" exists ${difference(state, ask)} Nothing was stored.`;
  return new StreamError("mismatch", message, { path });
}

function difference(state: StreamState | undefined, ask: CreateSpec): string {
  const append = 'To append, send a POST with the type of the stream, or use "?verb=APPEND".';
  const type = state ? state.type : ask.plainType;
  if (ask.fork === undefined && nameOf(type) !== nameOf(ask.type)) {
    const asked = ask.type === undefined ? "names none" : `asks for ${ask.type}`;
    return `with the type ${nameOf(type)}, and this PUT ${asked}. ${append}`;
  }
  if (state?.closed && !ask.closes) return "and is closed.";
  return `with another time to live, closing or fork than this PUT asks for. ${append}`;
}

/**
 * The state of a new stream.
 *
 * @param source The state of the source of a fork.
 * @param fork The place of the fork.
 */
export function newState(ask: CreateSpec, source?: StreamState, fork?: ForkOrigin): StreamState {
  const type = ask.type ?? source?.type;
  const isOwn = ask.lifetime.ttlSeconds !== undefined || ask.lifetime.expiresAt !== undefined;
  const { ttlSeconds, expiresAt }: Lifetime = isOwn || !source ? ask.lifetime : source;
  return {
    created: true,
    producers: {},
    ...(type !== undefined && { type }),
    ...(ttlSeconds !== undefined && { ttlSeconds }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(fork && { fork, asked: ask.lifetime }),
    ...(ask.closes && { closed: {} }),
  };
}

function nameOf(type: string | undefined): string | undefined {
  return essenceOf(type ?? BINARY);
}
