/**
 * `fstream()` builds the app with its defaults.
 * @module
 */
import type { UpgradeWebSocket } from "hono/ws";
import type { Log } from "./engine/events.ts";
import { type Limits, resolveLimits } from "./engine/limits.ts";
import type { Store } from "./engine/storage/store.ts";
import { guardedStore } from "./engine/storage/store-guard.ts";
import { detectPlatform } from "./runtime/detect.ts";
import { withHelper } from "./runtime/helper.ts";
import { createApp, type StreamApp } from "./server/app.ts";
import { Hosts } from "./server/request/host.ts";
import { Origins } from "./server/request/origin.ts";
import { FLAGS, OPTIONS, type Remedies } from "./server/request/remedies.ts";
import type { Durability } from "./stores/file/durability.ts";
import { type FileStoreOptions, fileStore } from "./stores/file/store.ts";

/** Options of {@link fstream}. All are optional. */
export interface FstreamOptions {
  /** The folder whose files are served; created if missing. Default `./data`. Can't be combined with `store`. */
  root?: string;
  /**
   * When a byte in the root folder counts as stored. `os`: once the operating system has it, which survives a crash of
   * the server. `disk`: once the disk has it, which survives a power cut. Default `os`. Can't be combined with `store`.
   */
  durability?: Durability;
  /** Stores the bytes in place of a folder. Default: a file store in `root`. */
  store?: Store;
  /** Limits that override `DEFAULT_LIMITS`. */
  limits?: Partial<Limits>;
  /** Whether a folder's URL returns its listing. Default true; if false, it returns 404. */
  listings?: boolean;
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
  /** Whether responses carry CORS headers: for `origins`, or for any origin if none are listed. Default false. */
  cors?: boolean;
  /**
   * Receives an event for the begin and end of each append and follow, and for each request, refusal, shutdown and
   * failure. Errors that it throws or rejects with are written to the console and have no other effect. Default: only
   * failures are reported, on the console.
   */
  log?: Log;
  /** Closes the app, as `close()` does, when it aborts. */
  signal?: AbortSignal;
  /** Hono's WebSocket helper for this runtime. Default: detected per request. */
  // biome-ignore lint/suspicious/noExplicitAny: every runtime's helper has its own type of raw socket.
  upgradeWebSocket?: UpgradeWebSocket<any>;
}

/** The options, and the type of each. */
const TYPES: Readonly<Record<keyof FstreamOptions, string>> = {
  root: "string",
  durability: "string",
  store: "object",
  limits: "object",
  listings: "boolean",
  origins: "array",
  hosts: "array",
  cors: "boolean",
  log: "function",
  signal: "object",
  upgradeWebSocket: "function",
};

/**
 * Creates a Hono app that serves streams: one client appends to a path, many clients follow it, and its bytes are kept
 * in a plain file, or in `store`.
 *
 * @throws {TypeError} for `store` together with `root` or `durability`, an empty `root`, an unknown option or
 * `durability`, an option of the wrong type, or an invalid origin or host name.
 * @throws {RangeError} for an unknown limit, or one that is out of bounds.
 * @throws {StreamError} if the root folder can't be used.
 * @example
 * ```ts
 * const app = new Hono();
 * app.route("/streams", fstream({ root: "/var/lib/streams" }));
 * ```
 */
export function fstream(options: FstreamOptions = {}): StreamApp {
  return build(options, OPTIONS);
}

/** @internal The app of the standalone server: its refusals suggest command-line flags instead of options. */
export function standalone(options: FstreamOptions): StreamApp {
  return build(options, FLAGS);
}

function build(options: FstreamOptions, remedies: Remedies): StreamApp {
  for (const [name, value] of Object.entries(options)) checkOption(name, value);
  const { root, durability, store, upgradeWebSocket, ...rest } = options;
  // Validated before the store is opened, so that a bad option creates no folder.
  const origins = new Origins(rest.origins);
  const hosts = rest.hosts && new Hosts(rest.hosts);
  const limits = resolveLimits(rest.limits);
  if (store !== undefined && (root !== undefined || durability !== undefined)) {
    const other = root === undefined ? "durability" : "root";
    throw new TypeError(
      `Give fstream() either "${other}" or "store", not both: a store knows itself where and how it keeps its bytes.`,
    );
  }
  return createApp({
    ...rest,
    origins,
    hosts,
    limits,
    remedies,
    store: store ? guardedStore(store) : fileStore(given({ root, durability, readBytes: limits.readBytes })),
    platform: async (c) => {
      const platform = await detectPlatform(c);
      return upgradeWebSocket ? withHelper(platform, upgradeWebSocket) : platform;
    },
  });
}

function checkOption(name: string, value: unknown): void {
  if (!Object.hasOwn(TYPES, name)) {
    throw new TypeError(`"${name}" is not an option of fstream(); it has ${Object.keys(TYPES).join(", ")}.`);
  }
  const expected = TYPES[name as keyof FstreamOptions];
  const type = typeOf(value);
  if (value !== undefined && type !== expected) {
    throw new TypeError(`The option "${name}" of fstream() must be of the type ${expected}, not ${type}.`);
  }
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** The options that are set, without those that are undefined. */
function given(options: { [Name in keyof FileStoreOptions]: FileStoreOptions[Name] | undefined }): FileStoreOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
