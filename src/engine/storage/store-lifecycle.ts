/**
 * Opens a store before it is used, and closes it.
 *
 * An app is built at once, but a store may have to connect first. So every member of the store opens it, unless it is open.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { Store } from "./store.ts";
import { storeUnavailable } from "./unavailable.ts";

/** The members that may be used before the store is open. */
const UNGATED: ReadonlySet<string | symbol> = new Set(["open", "close", "health", "counts"]);

/** The members that are groups of methods. */
const GROUPS: ReadonlySet<string | symbol> = new Set(["sessions", "streams", "subscriptions"]);

/** The lifecycle of one store. */
export class StoreLifecycle {
  /** The store; the first use opens it. A store that needs no opening is returned unchanged. */
  readonly store: Store;
  readonly #given: Store;
  readonly #check: () => void;
  #whenOpen: (() => void)[] = [];
  #isConnected = false;
  #isOpen = false;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /**
   * @param store The store.
   * @param check Throws if the server can't use the store, which it may know only once the store is open. Default: it can.
   */
  constructor(store: Store, check: () => void = () => {}) {
    this.#given = store;
    this.#check = check;
    this.#isOpen = store.open === undefined;
    this.store = store.open ? this.#gated(store) : store;
  }

  /** Opens the store, unless it is open. Rejects with what its `open` or the check throws; the next call tries again. */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** Runs `task` once the store is open: at once, if it needs no opening. Begins to open it; a failure shows at the next use. */
  whenOpen(task: () => void): void {
    if (this.#isOpen) {
      task();
      return;
    }
    this.#whenOpen.push(task);
    this.open().catch(() => {});
  }

  /** Closes the store, once. It can't be used any more. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #open(): Promise<void> {
    if (!this.#isConnected) await this.#given.open?.();
    this.#isConnected = true;
    this.#check();
    this.#isOpen = true;
    const tasks = this.#whenOpen;
    this.#whenOpen = [];
    for (const task of tasks) task();
  }

  async #close(): Promise<void> {
    // A store that is still being opened would be open afterwards.
    await this.#opening?.catch(() => {});
    await this.#given.close?.();
  }

  /** Opens the store for a request. Clients do not learn where the store is, or why it can't be opened. */
  async #ready(): Promise<void> {
    try {
      await this.open();
    } catch (cause) {
      if (cause instanceof StreamError && cause.code === "unavailable") throw storeUnavailable("", cause);
      throw new StreamError("storage", "The store can't be opened. The server's log says why.", { cause });
    }
  }

  /** The same object, whose methods first open the store. */
  #gated<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const value: unknown = Reflect.get(target, name);
        if (GROUPS.has(name) && typeof value === "object" && value !== null) return this.#gated(value);
        if (typeof value !== "function") return value;
        const call = (args: unknown[]): unknown => Reflect.apply(value, target, args);
        if (this.#isOpen || UNGATED.has(name)) return (...args: unknown[]) => call(args);
        if (name !== "read") return (...args: unknown[]) => this.#ready().then(() => call(args));
        return (...args: unknown[]) => this.#laterRead(() => call(args) as ReadableStream<Uint8Array>);
      },
    });
  }

  /** A stream of what `read` returns once the store is open. */
  #laterRead(read: () => ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    let isCancelled = false;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          await this.#ready();
          if (isCancelled) return;
          reader ??= read().getReader();
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: (reason) => {
          isCancelled = true;
          return reader?.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
  }
}
