/**
 * The subscriptions of a store in memory.
 * @module
 */
import type {
  SubscriptionChange,
  SubscriptionName,
  SubscriptionRecord,
  SubscriptionRecords,
} from "../engine/storage/subscription-record.ts";

/** Subscriptions that end with their process. */
export class MemorySubscriptions implements SubscriptionRecords {
  readonly #records = new Map<string, SubscriptionRecord>();
  /** The last change of each subscription. */
  readonly #changing = new Map<string, Promise<void>>();
  #secret: Promise<string> | undefined;

  async list(): Promise<readonly SubscriptionRecord[]> {
    return [...this.#records.values()];
  }

  async find({ root, id }: SubscriptionName): Promise<SubscriptionRecord | undefined> {
    return this.#records.get(JSON.stringify([root, id]));
  }

  async change({ root, id }: SubscriptionName, change: SubscriptionChange): Promise<void> {
    const key = JSON.stringify([root, id]);
    const run = async (): Promise<void> => {
      const changed = await change(this.#records.get(key));
      if (changed) this.#records.set(key, changed);
      else if (changed === null) this.#records.delete(key);
    };
    const before = this.#changing.get(key);
    const mine = before ? before.then(run, run) : run();
    this.#changing.set(key, mine);
    try {
      await mine;
    } finally {
      if (this.#changing.get(key) === mine) this.#changing.delete(key);
    }
  }

  secret(create: () => Promise<string>): Promise<string> {
    this.#secret ??= create();
    return this.#secret;
  }
}
