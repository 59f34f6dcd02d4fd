/**
 * All taps of one node. They have a connection of their own: NATS cuts off slow readers, which must not stop appends.
 * @module
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { storeUnavailable } from "../../../engine/storage/unavailable.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { LATE, within } from "../connection/pause.ts";
import type { Place } from "../layout/layout.ts";
import { Tap } from "./tap.ts";

/** Milliseconds between two checks of all taps. */
const TICK_MS = 500;

/** Milliseconds without a message after which a path is looked at, at first and at most. */
const QUIET_MS = 1_500;
const MAX_QUIET_MS = 12_000;

/** Milliseconds within which a server must have accepted a subscription. */
const SUBSCRIBE_MS = 5_000;

/** A tap that is open. */
export interface OpenTap {
  readonly tap: Tap;
  /** Ends it. */
  close(): void;
}

/** Opens taps. */
export class Taps {
  readonly #connect: () => Promise<NatsConnection>;
  readonly #open = new Set<Tap>();
  #connection: Promise<NatsConnection> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isClosed = false;

  /** @param connect Establishes the connection. Called when it is needed. */
  constructor(connect: () => Promise<NatsConnection>) {
    this.#connect = connect;
  }

  /** How many are open. */
  get count(): number {
    return this.#open.size;
  }

  /**
   * Opens a tap. What is stored after this has resolved arrives there, unless it is lost on the way.
   *
   * @throws {StreamError} `unavailable`.
   */
  async open({ path, live }: Place): Promise<OpenTap> {
    const connection = await this.#connected(path);
    const tap = new Tap();
    const subscription = connection.subscribe(live, {
      callback: (error, message) => {
        if (error) tap.lose();
        else tap.take(message);
      },
    });
    this.#add(tap);
    const close = (): void => {
      subscription.unsubscribe();
      this.#remove(tap);
    };
    try {
      if ((await within(connection.flush(), SUBSCRIBE_MS)) === LATE) throw storeUnavailable(path);
    } catch (error) {
      close();
      throw error instanceof StreamError ? error : storeUnavailable(path, error);
    }
    return { tap, close };
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    const connection = await this.#connection?.catch(() => undefined);
    await connection?.close();
    for (const tap of this.#open) tap.lose();
  }

  async #connected(path: string): Promise<NatsConnection> {
    if (this.#isClosed) throw new StreamError("unavailable", `The store of "/${path}" is closed.`, { path });
    this.#connection ??= this.#connect().then((connection) => {
      void this.#watch(connection);
      return connection;
    });
    try {
      return await this.#connection;
    } catch (error) {
      this.#connection = undefined;
      throw storeUnavailable(path, error);
    }
  }

  /** After each interruption, messages may be missing in all taps. */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type !== "reconnect") continue;
      // The server has all subscriptions by then.
      await connection.flush().catch(() => {});
      for (const tap of this.#open) tap.lose();
    }
  }

  #add(tap: Tap): void {
    this.#open.add(tap);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    // It must not keep the process alive.
    (this.#timer as { unref?(): void }).unref?.();
  }

  #remove(tap: Tap): void {
    this.#open.delete(tap);
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    for (const tap of this.#open) tap.tick(QUIET_MS, MAX_QUIET_MS);
  }
}
