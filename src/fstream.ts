/**
 * `fstream()`: the app with its defaults.
 * @module
 */
import type { UpgradeWebSocket } from "hono/ws";
import { type Limits, resolveLimits } from "./core/limits.ts";
import type { Log } from "./core/log.ts";
import type { Store } from "./core/store.ts";
import { guardedStore } from "./core/store-guard.ts";
import { createApp, type StreamApp } from "./faces/app.ts";
import { Hosts } from "./faces/host.ts";
import { Origins } from "./faces/origin.ts";
import { FLAGS, OPTIONS, type Remedies } from "./faces/told.ts";
import { detectPlatform } from "./runtime/detect.ts";
import { withHelper } from "./runtime/helper.ts";
import type { Durability } from "./stores/file/durability.ts";
import { type FileStoreOptions, fileStore } from "./stores/file/store.ts";

/** Options of {@link fstream}. All have defaults. */
export interface FstreamOptions {
  /** The folder whose files are served; made when it does not exist. Default `./data`. Not together with `store`. */
  root?: string;
  /**
   * When a byte in the root folder counts as stored: `os`, when the operating system has it, which survives a crash of
   * the server; `disk`, when the disk has it, which survives a power cut. Default `os`. Not together with `store`.
   */
  durability?: Durability;
  /** What keeps the bytes, instead of a folder. */
  store?: Store;
  /** Limits that differ from `DEFAULT_LIMITS`. */
  limits?: Partial<Limits>;
  /** Whether a folder's URL answers with its listing. Default true; else 404. */
  listings?: boolean;
  /**
   * Origins of web pages, beside the server's own, that may upgrade and append, such as `https://ci.example.com`,
   * `https://*.example.com` (one label) or `tauri://localhost`; `*` for any. Default none. Requests without an `Origin`
   * are not affected, unless their browser marks them as made by another site.
   */
  origins?: readonly string[];
  /**
   * Names that the server answers to, beside IP addresses and `localhost`, such as `streams.example.com`; `*` for any.
   * Another `Host` gets 421. It protects a server that anyone on this machine may use from pages that let their own name
   * mean this machine. Default: any.
   */
  hosts?: readonly string[];
  /** Whether answers carry CORS headers, for `origins` or for any when there are none. Default false. */
  cors?: boolean;
  /**
   * Is told when appends and follows begin and end, of each request and refusal, of a shutdown, and what fails. What it
   * throws or rejects with is written to the console and changes nothing else. Default: failures go to the console.
   */
  log?: Log;
  /** Closes the app when it aborts, as `close()` does. */
  signal?: AbortSignal;
  /** Hono's WebSocket helper for this runtime. Default: chosen by where a request comes from. */
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
 * A Hono app that serves streams: one appends to a path, many follow it, and it is kept as a plain file.
 *
 * @throws {TypeError} for `store` together with `root` or `durability`, an unknown option or one of another type, or an
 * origin or host name that is none.
 * @throws {RangeError} for a limit out of its bounds.
 * @throws {StreamError} when the root folder can't be used.
 * @example
 * ```ts
 * const app = new Hono();
 * app.route("/streams", fstream({ root: "/var/lib/streams" }));
 * ```
 */
export function fstream(options: FstreamOptions = {}): StreamApp {
  return build(options, OPTIONS);
}

/** @internal The app of the standalone server, whose operator has flags. */
export function standalone(options: FstreamOptions): StreamApp {
  return build(options, FLAGS);
}

function build(options: FstreamOptions, remedies: Remedies): StreamApp {
  for (const [name, value] of Object.entries(options)) checkOption(name, value);
  const { root, durability, store, upgradeWebSocket, ...rest } = options;
  // First of all: bad options leave no folder behind.
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

/** What was given, without what was left out. */
function given(options: { [Name in keyof FileStoreOptions]: FileStoreOptions[Name] | undefined }): FileStoreOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
