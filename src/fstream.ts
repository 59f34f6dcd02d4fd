/**
 * `fstream()` builds the app with its defaults.
 * @module
 */
import type { Store } from "./engine/storage/store.ts";
import { guardedStore } from "./engine/storage/store-guard.ts";
import { Prometheus } from "./metrics/prometheus.ts";
import { detectPlatform } from "./runtime/detect.ts";
import { withHelper } from "./runtime/helper.ts";
import { CheckedSender } from "./runtime/webhooks/sender.ts";
import { createApp, type StreamApp } from "./server/app.ts";
import { type AppOptions, checkOptions, OPTION_TYPES, partsOf } from "./server/options.ts";
import { FLAG_HINTS, OPTION_HINTS, type RefusalHints } from "./server/request/refusal-hints.ts";
import type { Streams } from "./server/streams/streams.ts";
import type { Durability } from "./stores/file/durability.ts";
import { type FileStoreOptions, fileStore } from "./stores/file/store.ts";

/** Options of {@link fstream}. All are optional. */
export interface FstreamOptions extends AppOptions {
  /** The folder whose files are served; created if missing. Default `./data`. Can't be combined with `store`. */
  root?: string;
  /**
   * When a byte in the root folder counts as stored. `os`: once the operating system has it, which survives a crash of
   * the server. `disk`: once the disk has it, which survives a power cut. Default `os`. Can't be combined with `store`.
   */
  durability?: Durability;
  /** Stores the bytes in place of a folder. Default: a file store in `root`. */
  store?: Store;
  /**
   * Whether clients may create subscriptions of Durable Streams: the server then sends webhooks to URLs that clients choose, or
   * appends events to streams. Default false.
   */
  webhooks?: boolean;
  /**
   * The public URL of the server, such as `https://streams.example.com`, for the links in webhooks. Default: that of
   * the request that creates the subscription.
   */
  publicUrl?: string;
  /**
   * Whether to measure how long the store takes, and the delay of the event loop, for {@link Streams.metrics}. All other
   * metrics are always there. Default false.
   */
  metrics?: boolean;
}

const TYPES: Readonly<Record<keyof FstreamOptions, string>> = {
  root: "string",
  durability: "string",
  store: "object",
  webhooks: "boolean",
  publicUrl: "string",
  metrics: "boolean",
  ...OPTION_TYPES,
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
  return build(options, OPTION_HINTS);
}

/**
 * Creates streams for this program, and the app that serves them: what {@link fstream} returns, from the other side.
 *
 * @param options As for {@link fstream}.
 * @throws As {@link fstream}.
 * @example
 * ```ts
 * const streams = createStreams({ root: "/var/lib/streams" });
 * await streams.append("hello.txt", "hello\n");
 * app.route("/streams", streams.app);
 * ```
 */
export function createStreams(options: FstreamOptions = {}): Streams {
  return fstream(options).streams;
}

/** @internal The app of the standalone server: its refusals suggest command-line flags instead of options. */
export function standalone(options: FstreamOptions): StreamApp {
  // Reads that are under way at a shutdown end with the server, which is later.
  return build(options, FLAG_HINTS, false);
}

function build(options: FstreamOptions, hints: RefusalHints, closesStore = true): StreamApp {
  checkOptions(options, TYPES);
  const { root, durability, store, webhooks = false, publicUrl, metrics: measures = false, ...rest } = options;
  // Validated before the store is opened, so that a bad option creates no folder.
  const parts = partsOf(rest);
  if (store !== undefined && (root !== undefined || durability !== undefined)) {
    const other = root === undefined ? "durability" : "root";
    throw new TypeError(
      `Give fstream() either "${other}" or "store", not both: a store has a place and a durability of its own.`,
    );
  }
  if (webhooks && rest.durableStreams === false) {
    throw new TypeError(
      'The option "webhooks" of fstream() needs Durable Streams, which "durableStreams: false" switches off.',
    );
  }
  const outside = publicUrl === undefined ? undefined : urlOf(publicUrl);
  const { readBytes } = parts.limits;
  const { upgradeWebSocket } = rest;
  const metrics = new Prometheus();
  const used = store ? guardedStore(store) : fileStore(given({ root, durability, readBytes }));
  return createApp({
    ...parts,
    hints,
    closesStore,
    metrics,
    publicUrl: outside,
    ...(webhooks && { sender: new CheckedSender() }),
    store: measures ? metrics.measure(used) : used,
    platform: async (c) => {
      const platform = await detectPlatform(c);
      return upgradeWebSocket ? withHelper(platform, upgradeWebSocket) : platform;
    },
  });
}

/** A URL without a trailing slash. @throws {TypeError} for anything but the URL of a server. */
function urlOf(text: string): string {
  if (/^https?:\/\/[^?#]+$/.test(text) && URL.canParse(text)) return text.replace(/\/+$/, "");
  throw new TypeError(`The public URL must be one such as "https://streams.example.com", not ${JSON.stringify(text)}.`);
}

/** The options that are set, without those that are undefined. */
function given(options: { [Name in keyof FileStoreOptions]: FileStoreOptions[Name] | undefined }): FileStoreOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
