/**
 * Single requests of the commands that neither append nor follow.
 * @module
 */
import type { Command } from "commander";
import { realEnvironment } from "../../client/connection/environment.ts";
import { broken, refused } from "../../client/connection/failure.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../../client/connection/limits.ts";
import { parseTarget } from "../../client/connection/target.ts";
import { withToken } from "../../client/connection/token.ts";
import { headerOption, queryOption } from "../common/options.ts";
import { withQuery } from "../common/resource-url.ts";
import { type TokenFlags, tokenOf, tokenOption } from "./token-option.ts";

/** The options of such a command. */
export interface RequestFlags extends TokenFlags {
  /** URL-encoded. */
  readonly query: string;
}

/** What to request. */
export interface RequestSpec {
  readonly method: "GET" | "HEAD" | "DELETE";
  /** The media type to ask for. Default: any. */
  readonly accept?: string;
  /** Changes the URL. */
  readonly change?: (url: URL) => void;
}

/** Sends a request to the URL of a command. */
export type SendRequest = (asked: RequestSpec) => Promise<Response>;

/** Adds the options `--token-file`, `--header` and `--query`. */
export function withRequestOptions(command: Command): Command {
  return command.addOption(tokenOption()).addOption(headerOption()).addOption(queryOption());
}

/**
 * Returns the function that sends requests to a URL. It resolves with a response that is not a refusal.
 *
 * @throws {StreamError} the function: the error of a refusal, `unreachable`; also if the server does not begin to answer
 * within 30 s. This function: an error with an explanation if there is no valid token.
 */
export async function requestsTo(given: string, flags: RequestFlags): Promise<SendRequest> {
  const url = withQuery(given, flags.query);
  const target = parseTarget(url, flags.header);
  const environment = withToken(realEnvironment, await tokenOf(url, flags), target);
  return async ({ method, accept, change }) => {
    const asked = new URL(target.url);
    change?.(asked);
    const headers = new Headers(target.headers);
    if (accept !== undefined) headers.set("Accept", accept);
    const timeout = new AbortController();
    const timer = setTimeout(() => {
      timeout.abort(new Error(`no answer within ${HANDSHAKE_TIMEOUT_MS / 1000} s`));
    }, HANDSHAKE_TIMEOUT_MS);
    try {
      const response = await environment.fetch(asked, { method, headers, signal: timeout.signal, cache: "no-store" });
      if (!response.ok) throw await refused(response, target.url, "FOLLOW");
      return response;
    } catch (error) {
      throw broken(error, target.url);
    } finally {
      clearTimeout(timer);
    }
  };
}
