/**
 * The preconditions that a request sets for an append.
 * @module
 */
import type { Context } from "hono";
import type { SessionPreconditions } from "../../engine/sessions/sessions.ts";
import { StreamError } from "../../protocol/errors.ts";
import { parseOffset } from "../../protocol/offset.ts";
import { PROTOCOL } from "../../protocol/subprotocol.ts";
import { conditionsOf, needsExistence, requireConditions } from "./conditions.ts";
import { givenType } from "./given-type.ts";

/** What an append request says about its session and its path. */
export interface AppendTerms {
  /** The token of the session to resume. */
  readonly session?: string;
  /** Preconditions for the path. For a session, which resumes at any offset, they contain only the generation. */
  readonly path: SessionPreconditions;
}

/**
 * The preconditions of an append over a transport that cannot resume sessions.
 *
 * @throws {StreamError} `protocol` for a `session` parameter, `bad_request` for an invalid offset.
 */
export function newAppendTerms(c: Context): SessionPreconditions {
  const { session, path } = appendTerms(c);
  if (session === undefined) return path;
  const message =
    `Nothing was appended: only a WebSocket that speaks ${PROTOCOL} can resume a session. ` +
    'Remove "session"; "offset=N" appends only if N bytes are stored.';
  throw new StreamError("protocol", message);
}

/**
 * Reads the preconditions of an append, over any transport, from the query and the conditional headers.
 *
 * @throws {StreamError} `bad_request` for an invalid offset.
 */
export function appendTerms(c: Context): AppendTerms {
  const { session, offset, generation } = c.req.query();
  const size = offset === undefined ? undefined : parseOffset("offset", offset);
  if (session !== undefined) return { session, path: { generation } };
  const conditions = conditionsOf(c.req.raw.headers);
  return {
    path: {
      generation,
      type: givenType(c.req.header("Content-Type")),
      ...(size !== undefined && { offset: size }),
      ...(conditions && {
        exists: needsExistence(conditions),
        check: (found, path) => requireConditions(conditions, found, path),
      }),
    },
  };
}
