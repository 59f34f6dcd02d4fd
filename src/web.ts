/**
 * The server for web-standard runtimes: no module of Node is imported. It serves a store of yours, or one in memory.
 *
 * Appending and following over HTTP work everywhere. WebSockets work with Hono's helper for the runtime.
 *
 * @example
 * ```ts
 * import { upgradeWebSocket } from "hono/cloudflare-workers";
 * import { fstream, memoryStore } from "httpfstream/web";
 *
 * export default fstream({ store: memoryStore(), upgradeWebSocket });
 * ```
 * @module
 */
import type { Store } from "./engine/storage/store.ts";
import { guardedStore } from "./engine/storage/store-guard.ts";
import { withHelper } from "./runtime/helper.ts";
import { platform } from "./runtime/other.ts";
import { createApp, type StreamApp } from "./server/app.ts";
import { type AppOptions, checkOptions, OPTION_TYPES, partsOf } from "./server/options.ts";
import { OPTION_HINTS } from "./server/request/refusal-hints.ts";
import type { Streams } from "./server/streams/streams.ts";

export * from "./exports.ts";

/** Options of {@link fstream}. */
export interface WebOptions extends AppOptions {
  /** Stores the bytes. Required: without an operating system there is no folder to use as a default. */
  store: Store;
}

/**
 * Creates a Hono app that serves streams from a store.
 *
 * @throws {TypeError} for a missing `store`, an unknown option, an option of the wrong type, or an invalid origin or host
 * name.
 * @throws {RangeError} for an unknown limit, or one that is out of bounds.
 */
export function fstream(options: WebOptions): StreamApp {
  const { store, ...rest } = options;
  checkOptions(options, { store: "object", ...OPTION_TYPES });
  if (store === undefined) throw new TypeError('fstream() of "httpfstream/web" needs the option "store".');
  const { upgradeWebSocket } = rest;
  const used = upgradeWebSocket ? withHelper(platform, upgradeWebSocket) : platform;
  return createApp({
    ...partsOf(rest),
    hints: OPTION_HINTS,
    store: guardedStore(store),
    platform: async () => used,
  });
}

/**
 * Creates streams for this program, and the app that serves them.
 *
 * @throws As {@link fstream}.
 * @example
 * ```ts
 * const streams = createStreams({ store: memoryStore() });
 * await streams.append("hello.txt", "hello\n");
 * ```
 */
export function createStreams(options: WebOptions): Streams {
  return fstream(options).streams;
}
