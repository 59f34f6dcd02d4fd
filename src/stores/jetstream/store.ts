/**
 * A store on NATS JetStream: any number of servers share one installation, on any number of machines.
 * @module
 */
import { checkListOptions } from "../../engine/storage/list-options.ts";
import type {
  AppendHandle,
  AppendUpdate,
  ClaimOptions,
  ListOptions,
  Store,
  StoreCounts,
  StoreListing,
  StoreStat,
} from "../../engine/storage/store.ts";
import { StreamError } from "../../protocol/errors.ts";
import { checkedPath } from "../../protocol/path.ts";
import { appendedBelow } from "./claims/below.ts";
import { requestHandover } from "./claims/handover.ts";
import { removePath } from "./claims/remove.ts";
import { JetStreamSessions } from "./kept/sessions.ts";
import { JetStreamSubscriptions } from "./kept/subscriptions.ts";
import { listFolder } from "./listing/list.ts";
import { type Opened, openStore } from "./opened.ts";
import { type JetStreamStoreOptions, type Settings, settingsOf } from "./options.ts";
import { readRange } from "./reads/read.ts";
import { freeBytesOf, usedBytesOf } from "./room.ts";
import { JetStreamStreams } from "./streams.ts";
import { watchPath } from "./watch/watch.ts";

/** Milliseconds for which a server that has lost its majority may answer with an old state. */
const STALE_MS = 10_000;

/** Milliseconds without a stored write or an answer after which the store counts as unhealthy. */
const SILENT_MS = 3_000;

/**
 * A store on NATS JetStream. Several servers, on several machines, can use the same installation: each of them takes any append
 * and any follow. It needs nats-server 2.12 or later.
 *
 * @throws {TypeError} for an option that can't be used.
 * @example
 * ```ts
 * import { fstream } from "httpfstream";
 * import { jetstreamStore } from "httpfstream/nats";
 *
 * const store = jetstreamStore({
 *   servers: ["nats://n1:4222", "nats://n2:4222", "nats://n3:4222"],
 *   monitors: ["http://n1:8222", "http://n2:8222", "http://n3:8222"],
 *   replicas: 3,
 * });
 * app.route("/streams", fstream({ store }));
 * ```
 */
export function jetstreamStore(options: JetStreamStoreOptions): Store {
  return new JetStreamStore(settingsOf(options));
}

class JetStreamStore implements Store {
  readonly maxStaleMs = STALE_MS;
  readonly sessions: JetStreamSessions;
  readonly subscriptions: JetStreamSubscriptions;
  readonly streams: JetStreamStreams;
  readonly #settings: Settings;
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    const parts = async () => {
      const { core, values } = await this.#ready();
      return { ...core, values };
    };
    this.sessions = new JetStreamSessions(parts);
    this.subscriptions = new JetStreamSubscriptions(parts);
    this.streams = new JetStreamStreams(() => this.#ready());
  }

  async open(): Promise<void> {
    await this.#ready();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined);
    if (!opened) return;
    const { taps, questions, lease, connection } = opened;
    await taps.close();
    questions.unsubscribe();
    await lease.end();
    await connection.close();
  }

  async health(): Promise<string | undefined> {
    if (this.#closing) return "The store is closed.";
    if (!this.#opened) return "The store has not connected to the NATS servers yet.";
    const { lease, core, connection } = this.#opened;
    if (connection.isClosed()) return "The connection to the NATS servers is closed.";
    const { failingSinceMs } = core.calls;
    const failingMs = failingSinceMs === undefined ? 0 : performance.now() - failingSinceMs;
    if (failingMs > SILENT_MS) return `JetStream has not answered for ${Math.round(failingMs)} ms.`;
    if (lease.ageMs > this.#settings.leaseMs / 2) {
      return `The lease of this server was not renewed for ${Math.round(lease.ageMs)} ms.`;
    }
    return undefined;
  }

  counts(): StoreCounts {
    if (!this.#opened) return {};
    const { core, taps, lease } = this.#opened;
    return { ...core.calls.counts, taps: taps.count, leaseAgeMs: lease.ageMs };
  }

  async barrier(path: string): Promise<void> {
    const { layout, leaders } = (await this.#ready()).core;
    await Promise.all([layout.placeOf(path).stream, layout.meta].map((stream) => leaders.barrier(stream)));
  }

  async stat(path: string): Promise<StoreStat | undefined> {
    return (await this.#ready()).looks.stat(path);
  }

  async claim(path: string, options: ClaimOptions = {}): Promise<AppendHandle> {
    options.signal?.throwIfAborted();
    checkedPath(path.split("/"));
    return (await this.#ready()).claims.claim(path, options);
  }

  read(...[path, from, to, signal, generation]: Parameters<Store["read"]>): ReadableStream<Uint8Array> {
    const parts = async () => {
      const { core, locator } = await this.#ready();
      return { ...core, locator, placeOf: (of: string) => core.layout.placeOf(of) };
    };
    return readRange(parts, { path, from, to, signal, generation });
  }

  async list(folder: string, options: ListOptions = {}): Promise<StoreListing | undefined> {
    checkListOptions(folder, options);
    return listFolder(await this.#ready(), folder, options);
  }

  async appendedBelow(folder: string): Promise<ReadonlySet<string>> {
    return appendedBelow((await this.#ready()).core, folder);
  }

  async remove(path: string, check?: () => Promise<void>): Promise<boolean> {
    const { core, claims } = await this.#ready();
    return removePath(core, claims, path, check);
  }

  async freeBytes(): Promise<number | undefined> {
    return freeBytesOf((await this.#ready()).core);
  }

  async usedBytes(): Promise<number> {
    return usedBytesOf((await this.#ready()).core);
  }

  async requestHandover(path: string): Promise<() => Promise<void>> {
    return requestHandover((await this.#ready()).core, path);
  }

  async watch(path: string, signal: AbortSignal): Promise<AsyncGenerator<AppendUpdate, void, void> | undefined> {
    const opened = await this.#ready();
    return watchPath({ ...opened, hasSession: (of) => this.#hasSession(of) }, path, signal);
  }

  async #hasSession(path: string): Promise<boolean> {
    return (await this.sessions.find(path)) !== undefined;
  }

  /** Opens the store, if it is not open. If that fails, the next call tries again. */
  #ready(): Promise<Opened> {
    if (this.#closing) return Promise.reject(new StreamError("unavailable", "The store is closed."));
    this.#opening ??= openStore(this.#settings, (path) => this.#hasSession(path)).then(
      (opened) => {
        this.#opened = opened;
        return opened;
      },
      (error: unknown) => {
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }
}
