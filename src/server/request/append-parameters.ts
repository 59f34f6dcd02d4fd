/**
 * The parameters of an append request, besides its path.
 * @module
 */
import type { Context } from "hono";
import type { PathPreconditions } from "../../engine/append/preconditions.ts";
import type { SessionPreconditions } from "../../engine/sessions/sessions.ts";
import { StreamError } from "../../protocol/errors.ts";
import { parseOffset } from "../../protocol/offset.ts";
import { CLOSED_HEADER } from "../../protocol/stream-headers.ts";
import { PROTOCOL } from "../../protocol/subprotocol.ts";
import { conditionsOf, needsExistence, requireConditions } from "./conditions.ts";
import { givenType } from "./given-type.ts";

/** What an append request says about its session and its path. */
export interface AppendParameters {
  /** The token of the session to resume. */
  readonly session?: string;
  /** Preconditions for the path. For a session, which resumes at any offset, they contain only the generation. */
  readonly preconditions: SessionPreconditions;
}

/**
 * The preconditions of an append over a transport that cannot resume sessions.
 *
 * @throws {StreamError} `protocol` for a `session` parameter.
 */
export function withoutSession({ session, preconditions }: AppendParameters): SessionPreconditions {
  if (session === undefined) return preconditions;
  const message =
    `Nothing was appended: only a WebSocket with ${PROTOCOL} can resume a session. ` +
    'Remove "session"; "offset=N" appends only if N bytes are stored.';
  throw new StreamError("protocol", message);
}

/**
 * Parses the parameters of an append, over any transport, from the query and the conditional headers.
 *
 * @throws {StreamError} `bad_request` for an invalid offset.
 */
export function appendParameters(c: Context): AppendParameters {
  const { session, generation } = c.req.query();
  const preconditions = preconditionsOf(c);
  if (session !== undefined) return { session, preconditions: { generation } };
  return { preconditions: { ...preconditions, type: givenType(c.req.header("Content-Type")) } };
}

/** Whether a request closes its stream. */
export function isClosing(c: Context): boolean {
  return c.req.header(CLOSED_HEADER)?.trim().toLowerCase() === "true";
}

/**
 * Parses the preconditions of a request that changes a path, from the query and the conditional headers.
 *
 * @throws {StreamError} `bad_request` for an invalid offset.
 */
export function preconditionsOf(c: Context): PathPreconditions {
  const { offset, generation } = c.req.query();
  const size = offset === undefined ? undefined : parseOffset("offset", offset);
  const conditions = conditionsOf(c.req.raw.headers);
  return {
    generation,
    ...(size !== undefined && { offset: size }),
    ...(conditions && {
      exists: needsExistence(conditions),
      check: (found, path) => requireConditions(conditions, found, path),
    }),
  };
}
