/**
 * Sends an access token with every request and every WebSocket of an append or a follow.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { explained } from "../../support/printable.ts";
import type { Environment } from "./environment.ts";
import { orAborted } from "./or-aborted.ts";
import type { SocketRequest } from "./socket.ts";
import type { Target } from "./target.ts";
import { TokenLapse } from "./token-lapse.ts";

/** An access token, or a function that returns one. The function is called for each attempt to connect. */
export type TokenSource = string | (() => string | Promise<string>);

/** The query parameter for the token, where headers cannot be sent. */
const PARAMETER = "access_token";

/** The tokens that a header can carry. */
const TOKEN = /^[\x21-\x7e]+$/;

/** Sends a request with a token. */
type Send<T> = (token: string) => Promise<T | Response>;

/**
 * Returns an environment that adds a token: as `Authorization: Bearer`, or as the query parameter `access_token` to a
 * WebSocket that cannot send headers. If the server answers 401 and the source is a function, asks the function once
 * more and sends the request again, because the token may just have expired. A request with a body is not sent again.
 *
 * @param token The token or a function; without it, the environment is returned unchanged.
 * @param target The resource. It must have no other credentials in the same place.
 * @throws {StreamError} `bad_request` for an invalid token, or for other credentials beside it.
 */
export function withToken(environment: Environment, token: TokenSource | undefined, target: Target): Environment {
  if (token === undefined) return environment;
  if (target.headers.has("Authorization")) throw twice('an "Authorization" header, or a user name in the URL,');
  if (target.url.searchParams.has(PARAMETER)) throw twice(`"${PARAMETER}" in the URL`);
  if (typeof token !== "function" && !isToken(token)) throw new StreamError("bad_request", INVALID);
  const { takesHeaders, clock } = environment;
  const source = new Tokens(token, target.url.href);
  return {
    takesHeaders,
    clock,
    random: () => environment.random(),
    connect: (request, handler) =>
      source.send(request.signal, (sent) => environment.connect(carrying(request, sent, takesHeaders), handler)),
    fetch: (url, init) => {
      const send = (sent: string): Promise<Response> =>
        environment.fetch(url, { ...init, headers: bearing(new Headers(init.headers), sent) });
      const signal = init.signal ?? undefined;
      return init.body ? source.sendOnce(signal, send) : source.send<never>(signal, send);
    },
  };
}

/** Whether a new token can be obtained when one has expired. */
export function renewsToken(token: TokenSource | undefined): boolean {
  return typeof token === "function";
}

const INVALID = "The token is empty, or has a character that no token can have, such as a space or a line break.";

class Tokens {
  readonly #source: TokenSource;
  readonly #path: string;

  constructor(source: TokenSource, path: string) {
    this.#source = source;
    this.#path = path;
  }

  async sendOnce<T>(signal: AbortSignal | undefined, send: Send<T>): Promise<T | Response> {
    return await send(await this.#current(signal));
  }

  async send<T>(signal: AbortSignal | undefined, send: Send<T>): Promise<T | Response> {
    const token = await this.#current(signal);
    const answer = await send(token);
    if (typeof this.#source !== "function" || !(answer instanceof Response) || answer.status !== 401) return answer;
    const next = await this.#current(signal);
    if (next === token) return answer;
    await answer.body?.cancel();
    return await send(next);
  }

  async #current(signal: AbortSignal | undefined): Promise<string> {
    if (typeof this.#source !== "function") return this.#source;
    let token: unknown;
    try {
      token = await orAborted(this.#source(), signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw new TokenLapse(`No token could be obtained: ${explained(error)}`, this.#path, error);
    }
    if (isToken(token)) return token;
    throw new TokenLapse(`No token could be obtained. ${INVALID}`, this.#path);
  }
}

function isToken(token: unknown): token is string {
  return typeof token === "string" && TOKEN.test(token);
}

function carrying(request: SocketRequest, token: string, takesHeaders: boolean): SocketRequest {
  if (takesHeaders) return { ...request, headers: bearing(new Headers(request.headers), token) };
  const url = new URL(request.url);
  url.searchParams.set(PARAMETER, token);
  return { ...request, url };
}

function bearing(headers: Headers, token: string): Headers {
  headers.set("Authorization", `Bearer ${token}`);
  return headers;
}

function twice(other: string): StreamError {
  return new StreamError("bad_request", `Give the option "token" or ${other} not both.`);
}
