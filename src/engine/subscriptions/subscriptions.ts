/**
 * The subscriptions of one server: notices that streams grow, wakes workers, and wakes them again.
 *
 * The record in the store is the truth. It changes only while no other process changes it, and each step checks there that
 * nothing has happened since it was planned. So several processes can plan the same step, and one of them executes it.
 * @module
 */
import type { AppendRegistry } from "../append/registry.ts";
import type { SubscriptionName, SubscriptionRecord, SubscriptionRecords } from "../storage/subscription-record.ts";
import { type DeliveryParts, type DeliveryResult, deliver } from "./delivery.ts";
import { Entries, type Entry, keyOf } from "./entry.ts";
import { SigningKeys } from "./signing.ts";
import { Slots } from "./slots.ts";
import { beginning, type Change, expiring, type Looked, settling } from "./steps.ts";
import { tailsOf } from "./tails.ts";
import { linked, reconciled, retryMs, type Tails, woken } from "./transitions.ts";
import { isMatched, matchesIn } from "./watched-paths.ts";

/** Milliseconds between two checks of what other processes have changed. */
const LOOK_MS = 1_000;

/** The number of these checks after which all streams are checked, because other programs may have written to them. */
const LOOKS_PER_ROUND = 30;

/** Milliseconds that a process may take for a delivery beyond its time limit, before another one repeats it. */
const SLACK_MS = 1_000;

/** Streams beyond the limit of a subscription, whose growth it remembers while its wake is in flight. */
const MAX_GROWN = 100;

/** Milliseconds before a step that the store has failed is repeated. */
const STORE_RETRY_MS = 1_000;

/** The outcome of one attempt at a delivery. */
export interface Delivered extends DeliveryResult {
  readonly record: SubscriptionRecord;
  readonly durationMs: number;
}

/** Callbacks of {@link Subscriptions}. They must not throw. */
export interface SubscriptionEvents {
  /** A wake was delivered, or was not. */
  delivered(event: Delivered): void;
  /** The store has failed, or a subscription can't do what it should. */
  failed(path: string, error: unknown, message: string): void;
}

/** The parts of the server that {@link Subscriptions} needs. */
export interface SubscriptionsParts extends Omit<DeliveryParts, "timeoutMs"> {
  readonly registry: AppendRegistry;
  readonly records: SubscriptionRecords;
  readonly events: SubscriptionEvents;
}

/** Runs the wakes of all subscriptions. */
export class Subscriptions {
  readonly parts: SubscriptionsParts;
  readonly entries: Entries = new Entries();
  readonly #slots: Slots;
  /** The tasks that must end before the server has stopped. */
  readonly #running = new Set<Promise<void>>();
  readonly #stopped = new AbortController();
  #keys: Promise<SigningKeys> | undefined;
  #looking: ReturnType<typeof setTimeout> | undefined;
  #looks = 0;

  constructor(parts: SubscriptionsParts) {
    this.parts = parts;
    this.#slots = new Slots(parts.registry.limits.webhookDeliveries);
  }

  /** The keys that sign webhooks and tokens. @throws {StreamError} errors of the store. */
  keys(): Promise<SigningKeys> {
    this.#keys ??= this.parts.records.secret(SigningKeys.create).then(SigningKeys.open);
    this.#keys.catch(() => {
      this.#keys = undefined;
    });
    return this.#keys;
  }

  /** Continues what is on record. @throws {StreamError} errors of the store. */
  async start(): Promise<void> {
    const { store } = this.parts.registry;
    if (!store.isPrivate) this.#lookLater();
    await this.keys();
    for (const record of await this.parts.records.list()) this.#take(record);
    for (const { record } of this.entries.all) await this.#join(record);
  }

  /** Checks all that a subscription watches: streams that have grown, or were made, before this process knew it. */
  async #join(record: SubscriptionRecord): Promise<void> {
    const entry = this.entries.get(record);
    if (!entry) return;
    const { store, limits } = this.parts.registry;
    const known = new Set(record.streams.filter(({ glob }) => glob).map(({ path }) => path));
    try {
      for (const path of await matchesIn(store, record, limits.subscriptionStreams, known)) entry.grew(path);
    } catch (error) {
      this.#failed(record, error);
    }
    this.#track(this.#evaluate(entry, true));
  }

  /** Stops. Deliveries under way are broken off, and are repeated by another process or after a restart. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#looking);
    for (const { timer } of this.entries.all) clearTimeout(timer);
    await Promise.all(this.#running);
  }

  /** Handles a notice that bytes were stored at a path, or that it was removed. */
  changed(path: string): void {
    for (const [entry, relative] of this.entries.watching(path)) {
      entry.grew(relative);
      if (this.#mayLook(entry)) this.#track(this.#evaluate(entry));
    }
  }

  /** Whether to check grown streams now. A wake may never end, so the number of remembered ones is capped. */
  #mayLook({ record, grownCount }: Entry): boolean {
    return !record.wake || grownCount >= this.parts.registry.limits.subscriptionStreams + MAX_GROWN;
  }

  /**
   * Changes a subscription while nothing else changes it, and acts on the result.
   *
   * @throws {StreamError} errors of the store and of `change`.
   */
  async change(name: SubscriptionName, change: Change): Promise<SubscriptionRecord | null | undefined> {
    let before: SubscriptionRecord | undefined;
    let after: SubscriptionRecord | null | undefined;
    let looked = (): void => {};
    await this.parts.records.change(name, async (found) => {
      before = found;
      const changed = await change(found, async (record) => {
        const entry = this.entries.get(name);
        const grown = entry?.grown ?? [];
        looked = () => entry?.looked(grown);
        return this.#look(record, grown);
      });
      const isSame = changed && found && JSON.stringify(changed) === JSON.stringify(found);
      after = isSame ? undefined : changed && { ...changed, revision: (found?.revision ?? 0) + 1 };
      return after;
    });
    looked();
    const now = after === undefined ? before : after;
    const entry = this.entries.get(name);
    if (now) this.#take(now);
    else if (entry && (before === undefined || entry.record.nonce === before.nonce)) this.entries.drop(entry);
    return after;
  }

  async #look(record: SubscriptionRecord, grown: Entry["grown"]): Promise<Looked> {
    const { store, limits } = this.parts.registry;
    const known = new Set(record.streams.map(({ path }) => path));
    const found = grown.flatMap(([path]) => (isMatched(record, path) && !known.has(path) ? [path] : []));
    const room = Math.max(0, limits.subscriptionStreams - known.size);
    if (found.length > room) this.#reportFull(record);
    const links = found.slice(0, room).map((path) => ({ path, glob: true, explicit: false, acked: 0, generation: "" }));
    const next = linked(record, links);
    const paths = next.streams.map(({ path }) => path);
    const tails = await tailsOf(store, record.root, paths);
    return { record: reconciled(next, tails), tails };
  }

  #take(record: SubscriptionRecord): void {
    const entry = this.entries.take(record);
    if (!entry || this.#stopped.signal.aborted) return;
    this.#schedule(entry);
    if (!record.wake && entry.hasGrown) this.#track(this.#evaluate(entry));
  }

  /** Plans the next step of the wake in flight. */
  #schedule(entry: Entry): void {
    clearTimeout(entry.timer);
    const { record } = entry;
    const { wake, config } = record;
    if (!wake || (wake.phase === "sent" && wake.untilMs === undefined) || this.#stopped.signal.aborted) return;
    const step = (): void => {
      if (wake.phase === "due") this.#deliver(entry, record);
      else this.#track(this.#step(entry, async () => void (await this.change(record, expiring(record)))));
    };
    // A step of the clock must not make it longer than it was.
    const max =
      wake.phase === "due" ? retryMs(Number.MAX_SAFE_INTEGER, 1) : Math.max(config.leaseTtlMs, this.#sendingMs);
    const leftMs = Math.min((wake.untilMs ?? 0) - Date.now(), max);
    if (leftMs <= 0) step();
    else this.#later(entry, step, leftMs);
  }

  get #sendingMs(): number {
    return this.parts.registry.limits.webhookTimeoutMs + SLACK_MS;
  }

  /** Runs a step; if the store fails, plans it again. */
  async #step(entry: Entry, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      this.#failed(entry.record, error);
      clearTimeout(entry.timer);
      this.#later(entry, () => this.#schedule(entry), STORE_RETRY_MS);
    }
  }

  #later(entry: Entry, step: () => void, ms: number): void {
    entry.timer = setTimeout(step, ms);
    (entry.timer as { unref?(): void }).unref?.();
  }

  #deliver(entry: Entry, planned: SubscriptionRecord): void {
    this.#track(this.#slots.run(planned.failures > 0, () => this.#step(entry, () => this.#attempt(planned))));
  }

  #track(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  /** Delivers a wake, if it is still as it was planned. */
  async #attempt(planned: SubscriptionRecord): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    const keys = await this.keys();
    let tails: Tails = new Map();
    const onLook = (looked: Tails): void => {
      tails = looked;
    };
    const record = await this.change(planned, beginning(planned, this.#sendingMs, onLook));
    if (record?.wake?.phase !== "sending") return;
    const startedMs = performance.now();
    const { signal } = this.#stopped;
    const parts = { ...this.parts, timeoutMs: this.parts.registry.limits.webhookTimeoutMs };
    const result = await deliver(parts, { record, tails, keys, signal });
    const durationMs = Math.round(performance.now() - startedMs);
    if (result.outcome !== "stopped") this.parts.events.delivered({ ...result, record, durationMs });
    await this.change(record, settling(record, result.outcome));
  }

  /** Checks whether there is something to process. `always`: even if no stream is known to have grown. */
  async #evaluate(entry: Entry, always = false): Promise<void> {
    if (entry.isEvaluating) return;
    entry.isEvaluating = true;
    try {
      for (let first = always; first || entry.hasGrown; first = false) {
        if (!this.#mayLook(entry) || this.#stopped.signal.aborted) return;
        await this.change(entry.record, async (found, look) => {
          if (!found) return undefined;
          const { record, tails } = await look(found);
          return woken(record, tails);
        });
        // Its record was removed.
        if (this.entries.get(entry.record) !== entry) return;
      }
    } catch (error) {
      // The grown streams are remembered. The next notice or the next round checks again.
      this.#failed(entry.record, error);
    } finally {
      entry.isEvaluating = false;
    }
  }

  #lookLater(): void {
    if (this.#stopped.signal.aborted) return;
    this.#looking = setTimeout(() => void this.#lookAround().finally(() => this.#lookLater()), LOOK_MS);
    (this.#looking as { unref?(): void }).unref?.();
  }

  /** Reads what other processes have changed; now and then, checks all streams. */
  async #lookAround(): Promise<void> {
    const before = this.entries.all;
    try {
      const records = await this.parts.records.list();
      const unknown = records.filter((record) => this.entries.get(record)?.record.nonce !== record.nonce);
      for (const record of records) this.#take(record);
      for (const record of unknown) await this.#join(record);
      const keys = new Set(records.map(keyOf));
      for (const entry of before) if (!keys.has(keyOf(entry.record))) this.entries.drop(entry);
    } catch (error) {
      this.parts.events.failed("", error, "The subscriptions on record can't be read.");
    }
    if (++this.#looks % LOOKS_PER_ROUND !== 0) return;
    for (const entry of this.entries.all) await this.#evaluate(entry, true);
  }

  #reportFull(record: SubscriptionRecord): void {
    const entry = this.entries.get(record);
    if (!entry || entry.isFull) return;
    entry.isFull = true;
    const message = `The subscription "${record.id}" has as many streams as the server allows (subscriptionStreams). More are not watched.`;
    this.parts.events.failed(record.root, new Error(message), message);
  }

  #failed({ root, id }: SubscriptionRecord, error: unknown): void {
    this.parts.events.failed(root, error, `The subscription "${id}" can't be read or stored. It is tried again.`);
  }
}
