/**
 * Subscriptions: each is changed under a lock, and only if nothing has changed it since it was read.
 * @module
 */
import {
  isSubscriptionRecord,
  type SubscriptionChange,
  type SubscriptionName,
  type SubscriptionRecord,
  type SubscriptionRecords,
} from "../../../engine/storage/subscription-record.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { pause } from "../connection/pause.ts";
import type { Layout } from "../layout/layout.ts";
import { REMOVED_MS, type Values } from "./values.ts";

/** Milliseconds after which the lock of a dead node expires. */
const LOCK_MS = 30_000;

/** Milliseconds for which a change waits for others. */
const WAIT_MS = 15_000;

/** Milliseconds between two attempts to get a lock, at most. */
const LOOK_MS = 40;

/** What the subscriptions need. */
export interface SubscriptionParts {
  readonly layout: Layout;
  readonly values: Values;
  readonly node: string;
}

/** The subscriptions of one installation. */
export class JetStreamSubscriptions implements SubscriptionRecords {
  readonly #ready: () => Promise<SubscriptionParts>;
  /** The last change of each subscription in this process. */
  readonly #changing = new Map<string, Promise<void>>();

  /** @param ready Resolves when the store is open. */
  constructor(ready: () => Promise<SubscriptionParts>) {
    this.#ready = ready;
  }

  async list(): Promise<readonly SubscriptionRecord[]> {
    const { layout, values } = await this.#ready();
    return (await values.list<unknown>(layout.named("sub"), "")).filter(isSubscriptionRecord);
  }

  async find(name: SubscriptionName): Promise<SubscriptionRecord | undefined> {
    const { layout, values } = await this.#ready();
    const found = await values.find<unknown>(layout.named("sub", keyOf(name)), name.root);
    return isSubscriptionRecord(found?.value) ? found.value : undefined;
  }

  change(name: SubscriptionName, change: SubscriptionChange): Promise<void> {
    const key = keyOf(name);
    return this.#inTurn(key, async () => {
      const { layout, values } = await this.#ready();
      const subject = layout.named("sub", key);
      await this.#locked(key, name.root, async () => {
        const found = await values.find<unknown>(subject, name.root);
        const known = isSubscriptionRecord(found?.value) ? found.value : undefined;
        const next = await change(known);
        if (next === undefined || (next === null && !found)) return;
        const terms = { expected: found?.seq ?? 0, ...(next === null && { ttlMs: REMOVED_MS }) };
        if ((await values.replace(subject, name.root, next, terms)) === undefined) throw busy(name.root);
      });
    });
  }

  secret(create: () => Promise<string>): Promise<string> {
    let secret = "";
    const get = this.#inTurn("secret", async () => {
      const { layout, values } = await this.#ready();
      const subject = layout.named("set", "secret");
      const known = await values.find<string>(subject, "");
      secret = known?.value ?? "";
      if (known) return;
      await this.#locked("secret", "", async () => {
        const found = await values.find<string>(subject, "");
        secret = found?.value ?? (await create());
        if (!found && (await values.replace(subject, "", secret, { expected: 0 })) === undefined) throw busy("");
      });
    });
    return get.then(() => secret);
  }

  /** Runs a task after all others of this process with the same key. */
  async #inTurn(key: string, task: () => Promise<void>): Promise<void> {
    const before = this.#changing.get(key);
    const mine = before ? before.then(task, task) : task();
    this.#changing.set(key, mine);
    try {
      await mine;
    } finally {
      if (this.#changing.get(key) === mine) this.#changing.delete(key);
    }
  }

  /** Runs a task while no other node runs one with the same key. */
  async #locked(key: string, path: string, task: () => Promise<void>): Promise<void> {
    const { layout, values, node } = await this.#ready();
    const subject = layout.named("lock", key);
    const untilMs = performance.now() + WAIT_MS;
    const lock = () => values.replace(subject, path, { node }, { expected: 0, ttlMs: LOCK_MS });
    let seq = await lock();
    for (; seq === undefined; seq = await lock()) {
      if (performance.now() > untilMs) throw busy(path);
      await pause(LOOK_MS / 4 + Math.random() * LOOK_MS);
    }
    try {
      await task();
    } finally {
      // If that fails, the lock expires.
      await values.drop(subject, path, seq).catch(() => {});
    }
  }
}

function keyOf({ root, id }: SubscriptionName): string {
  return JSON.stringify([root, id]);
}

function busy(path: string): StreamError {
  return new StreamError("busy", `Other servers keep changing the subscription below "/${path}". Try again.`, { path });
}
