/**
 * The terms on which a request wants to append.
 * @module
 */
import type { Context } from "hono";
import { StreamError } from "../core/errors.ts";
import { parseOffset } from "../core/offset.ts";
import type { SessionTerms } from "../core/sessions.ts";
import { PROTOCOL } from "../core/subprotocol.ts";
import { conditionsOf, needsExistence, requireConditions } from "./conditions.ts";
import { givenType } from "./given-type.ts";

/** What an append says of the path. */
export interface AppendTerms {
  /** The token of the open session that goes on. */
  readonly session?: string;
  /** What the path must be like; of a session, which goes on wherever it is, only the content is looked at. */
  readonly path: SessionTerms;
}

/**
 * The terms of an append that can't go on with a session.
 *
 * @throws {StreamError} `protocol` for a session, `bad_request` for an offset that is none.
 */
export function newAppendTerms(c: Context): SessionTerms {
  const { session, path } = appendTerms(c);
  if (session === undefined) return path;
  const message =
    `Nothing was appended: only a WebSocket that speaks ${PROTOCOL} goes on with a session. ` +
    'Leave "session" out; "offset=N" appends only if N bytes are stored.';
  throw new StreamError("protocol", message);
}

/**
 * The terms that a request names, whatever it appends through: in its query, and in its conditional headers.
 *
 * @throws {StreamError} `bad_request` for an offset that is none.
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
