/**
 * Requests to a Durable Streams server: a time limit, and errors with codes that say whether another attempt may help.
 * @module
 */
import { ERROR_HEADER, StreamError } from "../../protocol/errors.ts";
import { EXPIRES_HEADER, TTL_HEADER } from "../../protocol/stream-headers.ts";
import { chunks } from "../../support/chunks.ts";
import { concat } from "../../support/concat.ts";
import { Scope } from "../../support/scope.ts";
import type { Environment } from "../connection/environment.ts";
import { broken, placeIn, refused } from "../connection/failure.ts";
import type { Target } from "../connection/target.ts";

/** Headers of the caller that are about the creation of a stream, not about every request. */
const CREATION_HEADERS = ["Content-Type", TTL_HEADER, EXPIRES_HEADER] as const;

/** Statuses of servers and proxies that another attempt may change, beside those with a temporary code. */
const TEMPORARY: ReadonlySet<number> = new Set([408, 425, 500, 520, 521, 522, 523, 524, 525, 527, 529, 530]);

/** Maximum bytes of a body that are read for an error message. */
const BODY_BYTES = 16 * 1024;

/** A request. */
export interface StreamRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: Uint8Array;
  /** Milliseconds until the head of the response. */
  readonly timeoutMs: number;
}

/** A response, and the time limit of its body. */
export interface StreamResponse {
  readonly response: Response;
  /** Aborts the exchange when the caller's signal does, or after too long a silence. */
  readonly signal: AbortSignal;
  /** Restarts the time of silence. */
  heard(): void;
  /** Ends the silence until {@link heard}: the caller does not read. */
  rest(): void;
  /** Must be called at the end. Cancels what was not read. */
  end(): Promise<void>;
}

/** The requests of one append or follow. */
export class StreamExchange {
  readonly #environment: Environment;
  readonly #target: Target;
  readonly #signal: AbortSignal;
  readonly #headers: Headers;

  /** @param signal Aborts all requests. */
  constructor(environment: Environment, target: Target, signal: AbortSignal) {
    this.#environment = environment;
    this.#target = target;
    this.#signal = signal;
    this.#headers = new Headers(target.headers);
    for (const name of CREATION_HEADERS) this.#headers.delete(name);
  }

  /** The headers that the caller gave for the creation of the stream. */
  get creation(): Record<string, string> {
    const { headers } = this.#target;
    const given = CREATION_HEADERS.map((name) => [name, headers.get(name)] as const);
    return Object.fromEntries(given.filter((pair): pair is readonly [(typeof pair)[0], string] => pair[1] !== null));
  }

  /**
   * Sends a request.
   *
   * @throws {StreamError} `unreachable` after the time limit or without a server; what the caller's signal aborts with.
   */
  async send({ method, headers = {}, query = {}, body, timeoutMs }: StreamRequest): Promise<StreamResponse> {
    const { clock, fetch } = this.#environment;
    const url = new URL(this.#target.url);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    const scope = new Scope(this.#signal);
    const message = `The server stopped answering for ${placeIn(this.#target.url)}.`;
    const silent = new StreamError("unreachable", message, { path: this.#target.url.href });
    const stop = (): void => scope.abort(silent);
    let cancel = clock.after(timeoutMs, stop);
    const sent = new Headers(this.#headers);
    // Then the framing of HTTP alone shows whether a body is whole.
    sent.set("Accept-Encoding", "identity");
    for (const [name, value] of Object.entries(headers)) sent.set(name, value);
    const over = (): void => {
      cancel();
      scope.end();
    };
    try {
      const init: RequestInit = { method, headers: sent, signal: scope.signal, cache: "no-store" };
      if (body) init.body = body as Uint8Array<ArrayBuffer>;
      const response = await fetch(url, init);
      return {
        response,
        signal: scope.signal,
        heard() {
          cancel();
          cancel = clock.after(timeoutMs, stop);
        },
        rest: () => cancel(),
        async end() {
          over();
          if (!response.bodyUsed) await response.body?.cancel().catch(() => {});
        },
      };
    } catch (error) {
      over();
      throw this.broken(error, scope.signal);
    }
  }

  /** Sends a request whose response has no body that matters. */
  async ask(request: StreamRequest): Promise<Response> {
    const exchange = await this.send(request);
    try {
      const { response } = exchange;
      // The status is known even if the body breaks off.
      return copyOf(response, await beginningOf(response, exchange.signal));
    } finally {
      await exchange.end();
    }
  }

  /** The error for a response that refuses a request. */
  async refusal(response: Response, verb: "APPEND" | "FOLLOW"): Promise<StreamError> {
    const { status } = response;
    const isForeign = !response.headers.has(ERROR_HEADER);
    const error = await refused(response, this.#target.url, verb);
    if (!isForeign || !TEMPORARY.has(status)) return error;
    return new StreamError("overloaded", error.message, { path: this.#target.url.href, headers: error.headers });
  }

  /** The error for an exchange that broke: the reason of the time limit rather than what the platform makes of it. */
  broken(error: unknown, signal: AbortSignal): StreamError {
    const { reason } = signal;
    if (!this.#signal.aborted && signal.aborted && reason instanceof StreamError) return reason;
    return broken(error, this.#target.url);
  }
}

function copyOf({ status, statusText, headers }: Response, body: Uint8Array): Response {
  return new Response(body.length === 0 ? null : (body as Uint8Array<ArrayBuffer>), { status, statusText, headers });
}

/** The first bytes of a body, as far as they arrive. */
async function beginningOf({ body }: Response, signal: AbortSignal): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of chunks(body, signal)) {
      pieces.push(piece);
      length += piece.length;
      if (length >= BODY_BYTES) break;
    }
  } catch {
    // It broke off.
  }
  return concat(pieces, length);
}
