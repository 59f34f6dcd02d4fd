/**
 * The refusals of the server itself, before the app gets a request: they go to the log like refusals of the app, and to
 * whom counts it.
 * @module
 */
import type { Socket } from "node:net";
import type { Log } from "../../../engine/events.ts";
import type { ErrorCode } from "../../../protocol/errors.ts";
import { isRequestId, REQUEST_ID_HEADER } from "../../../protocol/request-id.ts";
import type { TrustedProxies } from "../../../server/request/trusted-proxies.ts";
import { callUser } from "../../../support/callback.ts";
import { loggedTarget } from "../../../support/logged-target.ts";

/** A connection or a request that the server in front of the app has refused. */
export interface ServerRefusal {
  /** Why. */
  readonly code: ErrorCode;
  /** The status of the response, if there is one. */
  readonly status: number;
  /** The sentence that the client got, if it got one. It may quote what the client sent: escape it before display. */
  readonly message: string;
  /** The client's address. */
  readonly peer?: string;
  /** The request; missing for a connection that is refused as such. */
  readonly request?: RefusedRequest;
}

/** What is known of a request that the server has refused. */
export interface RefusedRequest {
  /** The method; `-` if it could not be read. */
  readonly method: string;
  /** The URL's path as the client sent it, without the query; `-` if it could not be read. */
  readonly target: string;
  /** The id of the request, as in `X-Request-Id` of the response. */
  readonly requestId: string;
}

/** Receives what a server has refused by itself. */
export type OnRefused = (refusal: ServerRefusal) => void;

/** A request as far as it could be read. */
export interface ReadableRequest {
  readonly socket: Pick<Socket, "remoteAddress">;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers?: NodeJS.Dict<string | string[]>;
}

/** Takes the place of a part of a request that could not be read. */
const UNREAD = "-";

/** Options of {@link Refusals}. */
export interface RefusalSettings {
  readonly log: Log | undefined;
  readonly onRefused: OnRefused | undefined;
  readonly proxies: TrustedProxies | undefined;
}

/** Reports what one server refuses. Reporting never throws. */
export class Refusals {
  readonly #settings: RefusalSettings;

  constructor(settings: RefusalSettings) {
    this.#settings = settings;
  }

  /** Reports a refused connection. */
  connection(refusal: ServerRefusal): void {
    callUser("onRefused", this.#settings.onRefused, refusal);
  }

  /** Reports a refused request, and logs it as the app would. Returns the headers that its response needs. */
  request(
    request: ReadableRequest,
    { code, status, message }: Pick<ServerRefusal, "code" | "status" | "message">,
  ): Record<string, string> {
    const { log } = this.#settings;
    const given = request.headers?.[REQUEST_ID_HEADER.toLowerCase()];
    const refused: RefusedRequest = {
      method: request.method ?? UNREAD,
      target: request.url === undefined ? UNREAD : loggedTarget(request.url),
      requestId: isRequestId(given) ? given : crypto.randomUUID(),
    };
    const address = this.#peerOf(request);
    const peer = address === undefined ? {} : { peer: address };
    this.connection({ code, status, message, ...peer, request: refused });
    callUser("log", log, { type: "refusal", ...refused, ...peer, status, code, message });
    callUser("log", log, { type: "request", ...refused, ...peer, status, bytes: 0, durationMs: 0, reason: code });
    return { [REQUEST_ID_HEADER]: refused.requestId };
  }

  #peerOf({ socket, headers }: ReadableRequest): string | undefined {
    const direct = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "");
    if (!headers || !this.#settings.proxies) return direct;
    const forwarded = Object.entries(headers).filter(([name]) => /^(x-forwarded-for|forwarded)$/.test(name));
    return this.#settings.proxies.peerOf(direct, new Headers(forwarded.map(([name, value]) => [name, String(value)])));
  }
}
