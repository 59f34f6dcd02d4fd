/**
 * The token of a request, and the answer to a bad one (RFC 6750).
 * @module
 */
import type { Context } from "hono";
import { StreamError } from "../protocol/errors.ts";
import { TOKEN_PARAMETER } from "../protocol/parameters.ts";
import { CHALLENGE, type Refusal } from "../server/gate/gate.ts";

/**
 * The token of a request: from `Authorization: Bearer`, or the query parameter `access_token`. Empty if the request has
 * one that is empty; undefined if it has none. Other schemes of `Authorization` belong to a guard in front.
 *
 * @throws {StreamError} `bad_request` for two different tokens.
 */
export function tokenOf(c: Context): string | undefined {
  const [, given] = /^\s*bearer(?![^\s])(.*)$/is.exec(c.req.header("Authorization") ?? "") ?? [];
  const tokens = new Set(c.req.queries(TOKEN_PARAMETER));
  if (given !== undefined) tokens.add(given.trim());
  if (tokens.size > 1) {
    throw new StreamError("bad_request", "The request has two different tokens. Send one.");
  }
  const [token] = tokens;
  return token;
}

/** Refuses a request without a token. RFC 6750: the challenge then has no error. */
export function needsToken(): Refusal {
  return {
    allow: false,
    status: 401,
    message: `This needs a token. Send it as "Authorization: Bearer …", or as the query parameter ${TOKEN_PARAMETER}.`,
  };
}

/**
 * Refuses a request whose token is not valid.
 *
 * @param reason A sentence in ASCII, without quotes and backslashes.
 */
export function invalidToken(reason: string): Refusal {
  return {
    allow: false,
    status: 401,
    message: reason,
    challenge: `${CHALLENGE}, error="invalid_token", error_description="${reason}"`,
  };
}
