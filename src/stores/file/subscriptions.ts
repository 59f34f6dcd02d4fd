/**
 * Subscriptions on disk: one small file per subscription, written whole or not at all, and the file with their keys.
 *
 * A file changes while it is claimed, as the data file of an append is. So no two processes change it at once, and a process
 * that was suspended in the middle of a change finds that it has lost the claim.
 * @module
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  isSubscriptionRecord,
  type SubscriptionChange,
  type SubscriptionName,
  type SubscriptionRecord,
  type SubscriptionRecords,
} from "../../engine/storage/subscription-record.ts";
import { StreamError } from "../../protocol/errors.ts";
import { Claim } from "./claims/claim.ts";
import type { Owner } from "./claims/owner.ts";
import type { RootLease } from "./claims/root-lease.ts";
import { diskError, isMissing } from "./folders/errors.ts";
import { namesIn } from "./folders/folder.ts";
import { removeFileNow, writeTextAtomic } from "./reserved/atomic-write.ts";
import { flush } from "./reserved/fsync.ts";
import { keyOf, type Reserved } from "./reserved/layout.ts";
import { openSmallFile, UNUSABLE } from "./reserved/small-file.ts";

/** Maximum bytes of a subscription: it has one entry for each of its streams. */
const MAX_BYTES = 64 * 1024 * 1024;

const SUFFIX = ".json";

/** The file with the keys. No subscription has its name. */
const KEYS = "keys";

/** Milliseconds that a change waits for those of other processes. A silent process loses its claim after ten seconds. */
const WAIT_MS = 15_000;

/** Maximum milliseconds between two attempts at a claim. */
const ATTEMPT_INTERVAL_MS = 20;

/** The owner that claims the files, and their location. */
export interface SubscriptionsPlace {
  readonly reserved: Reserved;
  readonly owner: Owner;
  /** The lease of the whole root. Default: files are claimed by path. */
  readonly lease?: RootLease | undefined;
}

/** A file as it was read last. */
interface Seen {
  readonly version: string;
  readonly record: SubscriptionRecord | undefined;
}

/** The subscriptions of one root. */
export class FileSubscriptions implements SubscriptionRecords {
  readonly #place: SubscriptionsPlace;
  readonly #reserved: Reserved;
  readonly #durable: boolean;
  /** The last content of each file, by its name. */
  #seen: ReadonlyMap<string, Seen> = new Map();
  /** The last change of each file. */
  readonly #changing = new Map<string, Promise<void>>();

  /** @param durable Whether a change must be on the disk when it resolves. */
  constructor(place: SubscriptionsPlace, durable: boolean) {
    this.#place = place;
    this.#reserved = place.reserved;
    this.#durable = durable;
  }

  async list(): Promise<readonly SubscriptionRecord[]> {
    const seen = new Map<string, Seen>();
    try {
      for (const name of await namesIn(this.#reserved.subscriptions)) {
        if (!name.endsWith(SUFFIX)) continue;
        const known = this.#seen.get(name);
        const version = await versionOf(join(this.#reserved.subscriptions, name));
        if (version === undefined) continue;
        seen.set(name, known?.version === version ? known : { version, record: await this.#read(name) });
      }
    } catch (error) {
      throw diskError(error, "");
    }
    this.#seen = seen;
    return [...seen.values()].flatMap(({ record }) => (record ? [record] : []));
  }

  async find(name: SubscriptionName): Promise<SubscriptionRecord | undefined> {
    return this.#read(fileOf(name)).catch(rethrown);
  }

  async change(name: SubscriptionName, change: SubscriptionChange): Promise<void> {
    const file = fileOf(name);
    await this.#alone(file, async (claim) => {
      const found = await this.#read(file).catch(rethrown);
      const changed = await change(found);
      if (changed) await this.#write(file, JSON.stringify(changed), claim).catch(rethrown);
      else if (changed === null && claim.isOurs()) {
        removeFileNow(join(this.#reserved.subscriptions, file));
        if (this.#durable) await flush(this.#reserved.subscriptions).catch(rethrown);
      }
    });
  }

  async secret(create: () => Promise<string>): Promise<string> {
    let secret = "";
    await this.#alone(KEYS, async (claim) => {
      const known = await textOf(join(this.#reserved.subscriptions, KEYS)).catch(rethrown);
      // The file ends with a line break, as each of the store.
      secret = known?.replace(/\n$/, "") ?? (await create());
      if (known === undefined) await this.#write(KEYS, secret, claim).catch(rethrown);
    });
    return secret;
  }

  /** Runs a task while no other process changes a file, and no other call does. */
  async #alone(name: string, task: (claim: Claim) => Promise<void>): Promise<void> {
    const run = async (): Promise<void> => {
      const claim = await this.#claim(join(this.#reserved.subscriptions, name));
      try {
        await task(claim);
      } finally {
        await claim.release().catch(() => {});
      }
    };
    const before = this.#changing.get(name);
    const mine = before ? before.then(run, run) : run();
    this.#changing.set(name, mine);
    try {
      await mine;
    } finally {
      if (this.#changing.get(name) === mine) this.#changing.delete(name);
    }
  }

  async #claim(file: string): Promise<Claim> {
    const untilMs = performance.now() + WAIT_MS;
    for (;;) {
      try {
        return await Claim.take({ ...this.#place, file, path: "", extraLeaseMs: 0 });
      } catch (error) {
        if (!(error instanceof StreamError && error.code === "conflict")) throw diskError(error, "");
        if (performance.now() >= untilMs) {
          const message =
            "Another server process changes this subscription for too long. Nothing was changed. Try again in a moment.";
          throw new StreamError("busy", message, { cause: error, headers: { "Retry-After": "1" } });
        }
        await new Promise((resolve) => setTimeout(resolve, Math.random() * ATTEMPT_INTERVAL_MS));
      }
    }
  }

  async #write(name: string, text: string, claim: Claim): Promise<void> {
    const file = join(this.#reserved.subscriptions, name);
    let isOurs = true;
    const mayWrite = (): boolean => {
      isOurs = claim.isOurs();
      return isOurs;
    };
    await writeTextAtomic(this.#reserved, file, { text: `${text}\n`, durable: this.#durable, mayWrite });
    if (!isOurs) throw new StreamError("fenced", "Another server process has changed this subscription. Try again.");
  }

  async #read(name: string): Promise<SubscriptionRecord | undefined> {
    const text = await textOf(join(this.#reserved.subscriptions, name));
    try {
      const record: unknown = JSON.parse(text ?? "");
      return isSubscriptionRecord(record) && fileOf(record) === name ? record : undefined;
    } catch {
      return undefined;
    }
  }
}

function fileOf({ root, id }: SubscriptionName): string {
  return `${keyOf(JSON.stringify([root, id]))}${SUFFIX}`;
}

/** Changes with each write: every write makes a new file. */
async function versionOf(file: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [ino, size, mtimeMs, ctimeMs].join(" ");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function textOf(file: string): Promise<string | undefined> {
  const opened = await openSmallFile(file, MAX_BYTES);
  if (opened === undefined) return undefined;
  if (opened === UNUSABLE) throw new StreamError("storage", "A file of the subscriptions is not a regular file.");
  try {
    return await opened.readFile("utf8");
  } finally {
    await opened.close();
  }
}

function rethrown(error: unknown): never {
  throw diskError(error, "");
}
