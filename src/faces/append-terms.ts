/**
 * The terms on which a request wants to append.
 * @module
 */
import type { Context } from "hono";
import { parseOffset } from "../core/offset.ts";
import type { PathTerms } from "../core/path-terms.ts";
import { conditionsOf, needsExistence, requireConditions } from "./conditions.ts";

/** What an append says of the path. */
export interface AppendTerms {
  /** The token of the open session that goes on. */
  readonly session?: string;
  /** What the path must be like; not looked at for a session, which goes on wherever it is. */
  readonly path: PathTerms;
}

/**
 * The terms that a request names, whatever it appends through: in its query, and in its conditional headers.
 *
 * @throws {StreamError} `bad_request` for an offset that is none.
 */
export function appendTerms(c: Context): AppendTerms {
  const { session, offset } = c.req.query();
  if (session !== undefined) return { session, path: {} };
  const conditions = conditionsOf(c.req.raw.headers);
  return {
    path: {
      ...(offset === undefined ? {} : { offset: parseOffset("offset", offset) }),
      ...(conditions && {
        exists: needsExistence(conditions),
        check: (found, path) => requireConditions(conditions, found, path),
      }),
    },
  };
}
