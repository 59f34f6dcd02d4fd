/**
 * The options that every app has, however it stores its bytes.
 * @module
 */
import type { UpgradeWebSocket } from "hono/ws";
import type { Log } from "../engine/events.ts";
import { type Limits, resolveLimits } from "../engine/limits.ts";
import type { StreamEvent } from "../engine/stream-event.ts";
import type { AppParts } from "./app.ts";
import type { Authorize } from "./gate/gate.ts";
import { checkDeletes, type Deletes } from "./request/deletes.ts";
import { Hosts } from "./request/host.ts";
import { Origins } from "./request/origin.ts";
import type { Scope } from "./request/scope.ts";
import { TrustedProxies } from "./request/trusted-proxies.ts";

/** Options of an app. All are optional. */
export interface AppOptions {
  /** Limits that override `DEFAULT_LIMITS`. */
  limits?: Partial<Limits>;
  /** Whether a folder's URL returns its listing. Default true; if false, it returns 404. */
  listings?: boolean;
  /**
   * Chooses the folder that a request sees, such as `ada` or `tenants/acme`, for instance by a parameter of the mount or
   * by the user that a middleware has found; `/` is the whole root. Paths of URLs, listings and messages are relative
   * to the folder; the paths of events contain it. It is called once per request, before anything is done, and must
   * return the folder at once. A promise, an empty string or `undefined` is a fault of the app: the request gets 500,
   * and the log says why. A folder that no path may lead to, such as `..` or `.httpfstream`, is refused with 400. An
   * `HTTPException` that it throws goes to the app around this one. Default: the whole root.
   *
   * @example
   * ```ts
   * app.route("/u/:user", fstream({ scope: (c) => c.req.param("user") }));
   * ```
   */
  scope?: Scope;
  /**
   * Origins of web pages, besides the server's own, that may upgrade and append, such as `https://ci.example.com`,
   * `https://*.example.com` (one label) or `tauri://localhost`; `*` allows any. Default none. Requests without an
   * `Origin` are allowed, unless the browser marks them as cross-site.
   */
  origins?: readonly string[];
  /**
   * Host names that the server accepts, besides IP addresses and `localhost`, such as `streams.example.com`; `*`
   * accepts any. A request for another `Host` gets 421. This protects a server that is reachable only from this machine
   * against web pages whose own name resolves to this machine (DNS rebinding). Default: any.
   */
  hosts?: readonly string[];
  /**
   * Proxies in front of the server, as addresses such as `10.0.0.7` or networks such as `fd00::/8`. A request that comes
   * from one of them counts as one from the address in its `Forwarded` or `X-Forwarded-For`: in logs, in events and for
   * the limits on one address. If it has both headers, they must agree. Default: none, and the headers are ignored.
   */
  trustedProxies?: readonly string[];
  /** Whether responses carry CORS headers: for `origins`, or for any origin if `origins` is empty. Default false. */
  cors?: boolean;
  /**
   * The gate: decides about every request, before anything is claimed, created or read for it. Default: everything is
   * allowed. `jwt()` of `httpfstream/auth` makes one that checks signed tokens.
   */
  authorize?: Authorize;
  /**
   * Whether the Durable Streams protocol is served at the same URLs: `PUT`, `POST` and `DELETE` without a verb. Default
   * true, if the store keeps records of streams.
   */
  durableStreams?: boolean;
  /**
   * Whether a browser that opens a path gets a page that shows and follows it, in place of the bytes. All other requests
   * get the bytes, and so does `?raw`. Default true.
   */
  viewer?: boolean;
  /**
   * Seconds for which caches may keep the answer to a read: shared caches, too, unless there is a gate. Meanwhile a reader may
   * not see what was appended. Default 0: a cache asks every time.
   */
  cacheSeconds?: number;
  /**
   * Which resources a `DELETE` may remove: `all`; only those that a `PUT` without a verb has `created`; or `none`.
   * Default `created`; with `authorize`, `all` that it allows. {@link Streams.remove} removes any.
   */
  deletes?: Deletes;
  /**
   * Receives an event for the start and end of each append and follow, and for each request, refusal, shutdown and
   * failure. Errors that it throws or rejects with are written to the console and have no other effect. Default: only
   * failures are reported, on the console.
   */
  log?: Log;
  /**
   * Receives what happens to the streams: an append or follow `began` or `ended`, a resource was `removed`, a request was
   * `refused`. It may be async. Errors that it throws or rejects with are written to the console and have no other effect.
   */
  onEvent?: (event: StreamEvent) => unknown;
  /** Closes the app, as `close()` does, when it aborts. */
  signal?: AbortSignal;
  /** Hono's WebSocket helper for this runtime. Default: detected per request. */
  // biome-ignore lint/suspicious/noExplicitAny: every runtime's helper has its own type of raw socket.
  upgradeWebSocket?: UpgradeWebSocket<any>;
}

/** The names of the options of an app, and the type of each. */
export const OPTION_TYPES: Readonly<Record<keyof AppOptions, string>> = {
  limits: "object",
  listings: "boolean",
  scope: "function",
  origins: "array",
  hosts: "array",
  trustedProxies: "array",
  cors: "boolean",
  durableStreams: "boolean",
  viewer: "boolean",
  cacheSeconds: "number",
  authorize: "function",
  deletes: "string",
  log: "function",
  onEvent: "function",
  signal: "object",
  upgradeWebSocket: "function",
};

/**
 * Checks the names and the types of options.
 *
 * @param types The type of each option: what `typeof` returns, or `array`.
 * @throws {TypeError} for an unknown option, or one of the wrong type.
 */
export function checkOptions(options: object, types: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(options)) {
    const expected = Object.hasOwn(types, name) ? types[name] : undefined;
    if (expected === undefined) {
      throw new TypeError(`"${name}" is not an option of fstream(); it has ${Object.keys(types).join(", ")}.`);
    }
    const type = typeOf(value);
    if (value !== undefined && type !== expected) {
      throw new TypeError(`The option "${name}" of fstream() must be of the type ${expected}, not ${type}.`);
    }
  }
}

/**
 * Returns the parts of an app that its options determine.
 *
 * @throws {TypeError} for an invalid origin, host name, proxy or `deletes`.
 * @throws {RangeError} for an unknown limit, or one that is out of bounds, or for a `cacheSeconds` that is not a whole
 * number.
 */
export function partsOf(options: AppOptions): Omit<AppParts, "store" | "platform" | "hints"> {
  const { upgradeWebSocket: _, limits, origins, hosts, trustedProxies, ...rest } = options;
  // A gate decides who may remove what.
  const { deletes = options.authorize ? "all" : "created", cacheSeconds = 0 } = options;
  checkDeletes(deletes);
  if (!Number.isSafeInteger(cacheSeconds) || cacheSeconds < 0) {
    throw new RangeError(`The option "cacheSeconds" must be a whole number of seconds, not ${cacheSeconds}.`);
  }
  return {
    ...rest,
    deletes,
    cacheSeconds,
    limits: resolveLimits(limits),
    origins: new Origins(origins),
    hosts: hosts && new Hosts(hosts),
    trustedProxies: trustedProxies?.length ? new TrustedProxies(trustedProxies) : undefined,
  };
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
