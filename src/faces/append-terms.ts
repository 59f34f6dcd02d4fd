/**
 * The terms on which a request wants to append.
 * @module
 */
import type { Context } from "hono";
import { parseOffset } from "../core/offset.ts";

/** What the query of an append says. */
export interface AppendTerms {
  /** The token of the open session that goes on. */
  readonly session?: string;
  /** The size that the path must have; not looked at for a session, which goes on wherever it is. */
  readonly offset?: number;
}

/**
 * The terms that a request names, whatever it appends through.
 *
 * @throws {StreamError} `bad_request` for an offset that is none.
 */
export function appendTerms(c: Context): AppendTerms {
  const { session, offset } = c.req.query();
  if (session !== undefined) return { session };
  return offset === undefined ? {} : { offset: parseOffset("offset", offset) };
}
