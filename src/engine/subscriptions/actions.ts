/**
 * The actions of clients on subscriptions.
 * @module
 */
import type {
  StreamLink,
  SubscriptionConfig,
  SubscriptionName,
  SubscriptionRecord,
} from "../storage/subscription-record.ts";
import { type StreamInfo, streamInfos } from "./delivery.ts";
import type { TokenClaims } from "./signing.ts";
import type { Change, Looked } from "./steps.ts";
import { noSubscription, SubscriptionError } from "./subscription-error.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { tailsOf } from "./tails.ts";
import { type Ack, acked, firstPending, inPhase, linked, slept, unlinked, woken } from "./transitions.ts";
import { matchesIn } from "./watched-paths.ts";

/** The credentials that the worker of a wake sends with each request. */
export interface WorkerRequest {
  readonly token: string;
  readonly wakeId: unknown;
  readonly generation: unknown;
  readonly acks: readonly Ack[];
  readonly done: boolean;
}

/** A claimed wake. */
export interface Claimed {
  readonly wakeId: string;
  readonly generation: number;
  readonly token: string;
  readonly streams: readonly StreamInfo[];
  readonly leaseTtlMs: number;
}

/** The requests of clients. */
export class SubscriptionActions {
  readonly subscriptions: Subscriptions;

  constructor(subscriptions: Subscriptions) {
    this.subscriptions = subscriptions;
  }

  /**
   * Creates a subscription, or confirms the existing one.
   *
   * @returns Its record, and whether it is new.
   * @throws {SubscriptionError} `SUBSCRIPTION_ALREADY_EXISTS`, `WEBHOOK_URL_REJECTED`, `TOO_MANY`, `INVALID_REQUEST`
   */
  async create(
    name: SubscriptionName,
    config: SubscriptionConfig,
    baseUrl: string,
  ): Promise<{ record: SubscriptionRecord; isNew: boolean }> {
    const { parts, entries } = this.subscriptions;
    const { limits } = parts.registry;
    const refused = config.url === undefined ? undefined : await parts.sender.check(config.url);
    if (refused !== undefined) throw new SubscriptionError("WEBHOOK_URL_REJECTED", refused);
    this.assertFew(config.streams);
    let isNew = false;
    const record = await this.subscriptions.change(name, async (found) => {
      isNew = found === undefined;
      if (found && !isSameConfig(found.config, config)) {
        const message = `The subscription ${JSON.stringify(name.id)} exists with another configuration. Remove it first, or choose another name.`;
        throw new SubscriptionError("SUBSCRIPTION_ALREADY_EXISTS", message);
      }
      if (found) return { ...found, baseUrl };
      if (limits.subscriptions > 0 && entries.size >= limits.subscriptions) {
        throw new SubscriptionError(
          "TOO_MANY",
          `The server has ${limits.subscriptions} subscriptions, which is its limit (subscriptions).`,
        );
      }
      const streams = await this.#linksOf(name.root, config);
      if (streams.length > limits.subscriptionStreams) throw tooManyStreams(limits.subscriptionStreams);
      const createdAt = new Date().toISOString();
      const rest = { nonce: crypto.randomUUID(), revision: 0, generation: 0, failures: 0 };
      return { root: name.root, id: name.id, baseUrl, createdAt, config, streams, ...rest };
    });
    return { record: record ?? (await this.find(name)), isNew };
  }

  /** @throws {SubscriptionError} `SUBSCRIPTION_NOT_FOUND` */
  async find(name: SubscriptionName): Promise<SubscriptionRecord> {
    const known = await this.subscriptions.parts.records.find(name);
    if (known) return known;
    throw noSubscription(name.id);
  }

  /** Removes a subscription, if there is one. */
  async remove(name: SubscriptionName): Promise<void> {
    await this.subscriptions.change(name, async (found) => found && null);
  }

  /**
   * Checks a list of streams before anything is asked or looked up for each of them.
   *
   * @throws {SubscriptionError} `TOO_MANY`
   */
  assertFew(paths: readonly string[]): void {
    const max = this.subscriptions.parts.registry.limits.subscriptionStreams;
    if (paths.length > max) throw tooManyStreams(max);
  }

  /**
   * Watches more streams, from their present ends on.
   *
   * @param paths Each of them once.
   * @throws {SubscriptionError} `SUBSCRIPTION_NOT_FOUND`, `TOO_MANY`
   */
  async addStreams(name: SubscriptionName, paths: readonly string[]): Promise<void> {
    const { store, limits } = this.subscriptions.parts.registry;
    this.assertFew(paths);
    const tails = await tailsOf(store, name.root, paths);
    await this.#change(name, async (found) => {
      const next = linked(
        found,
        paths.map((path) => linkTo(path, { explicit: true }, tails.get(path))),
      );
      if (next.streams.length > limits.subscriptionStreams) throw tooManyStreams(limits.subscriptionStreams);
      return next;
    });
  }

  /** @throws {SubscriptionError} `SUBSCRIPTION_NOT_FOUND` */
  async removeStream(name: SubscriptionName, path: string): Promise<void> {
    await this.#change(name, async (found) => unlinked(found, path));
  }

  /**
   * Claims the wake of a subscription for a worker.
   *
   * @throws {SubscriptionError} `SUBSCRIPTION_NOT_FOUND`, `ALREADY_CLAIMED`, `NO_PENDING_WORK`, `INVALID_REQUEST`
   */
  async claim(name: SubscriptionName, worker: string): Promise<Claimed> {
    let streams: readonly StreamInfo[] = [];
    const record = await this.#change(name, async (found, look) => {
      assertPull(found);
      const { wake, generation } = found;
      if (wake?.phase === "held") {
        const details = { current_holder: wake.holder, generation };
        throw new SubscriptionError(
          "ALREADY_CLAIMED",
          `The worker ${JSON.stringify(wake.holder)} has the wake.`,
          details,
        );
      }
      const { record, tails } = await look(found);
      if (!firstPending(record, tails)) {
        throw new SubscriptionError("NO_PENDING_WORK", "No stream of the subscription has anything to process.");
      }
      streams = streamInfos(record, tails);
      return inPhase(woken(record, tails), "held", Date.now() + record.config.leaseTtlMs, worker);
    });
    const { generation, nonce, wake, config } = record;
    const token = await (await this.subscriptions.keys()).token({ ...name, nonce, generation });
    return { wakeId: wake?.id ?? "", generation, token, streams, leaseTtlMs: config.leaseTtlMs };
  }

  /**
   * Checks whether a token was made for an existing subscription, before more of a request is read.
   *
   * @throws {SubscriptionError} `TOKEN_INVALID`, `SUBSCRIPTION_NOT_FOUND`
   */
  async checkToken(name: SubscriptionName, token: string): Promise<void> {
    await this.#claimsOf(name, token);
    await this.find(name);
  }

  /**
   * Notes the progress of a worker, and extends its lease or ends its wake.
   *
   * @param type The type that the subscription must have.
   * @returns Whether there is more to process, so that a new wake has begun.
   * @throws {SubscriptionError} `TOKEN_INVALID`, `SUBSCRIPTION_NOT_FOUND`, `FENCED`, `INVALID_OFFSET`, `INVALID_REQUEST`
   */
  async acknowledge(
    name: SubscriptionName,
    type: SubscriptionConfig["type"],
    request: WorkerRequest,
  ): Promise<boolean> {
    const claims = await this.#claimsOf(name, request.token);
    const record = await this.#change(name, async (found, look) => {
      if (type === "pull-wake") assertPull(found);
      assertCurrent(found, claims, request);
      const { record, tails } = await look(found);
      const next = acked(record, request.acks, tails);
      if (typeof next === "string") throw new SubscriptionError("INVALID_OFFSET", next);
      if (request.done) return woken({ ...slept(next), failures: 0 }, tails);
      const untilMs = Date.now() + next.config.leaseTtlMs;
      const { holder } = found.wake ?? {};
      return { ...inPhase(next, type === "webhook" ? "sent" : "held", untilMs, holder), failures: 0 };
    });
    return request.done && record.wake !== undefined;
  }

  /**
   * Returns a claimed wake. What is left to process begins a new one.
   *
   * @throws {SubscriptionError} as {@link acknowledge}.
   */
  async release(name: SubscriptionName, request: WorkerRequest): Promise<void> {
    const claims = await this.#claimsOf(name, request.token);
    await this.#change(name, async (found, look) => {
      assertPull(found);
      assertCurrent(found, claims, request);
      const { record, tails } = await look(slept(found));
      return woken(record, tails);
    });
  }

  async #claimsOf({ root, id }: SubscriptionName, token: string): Promise<TokenClaims> {
    const claims = await (await this.subscriptions.keys()).claimsOf(root, id, token);
    if (claims) return claims;
    throw new SubscriptionError(
      "TOKEN_INVALID",
      "The token is not one of this subscription. Send the one that came with the wake.",
    );
  }

  /** Changes a subscription that exists. Resolves to its record, even if nothing changes. */
  async #change(
    name: SubscriptionName,
    change: (found: SubscriptionRecord, look: (record: SubscriptionRecord) => Promise<Looked>) => ReturnType<Change>,
  ): Promise<SubscriptionRecord> {
    let known: SubscriptionRecord | undefined;
    const changed = await this.subscriptions.change(name, async (found, look) => {
      if (!found) throw noSubscription(name.id);
      known = found;
      return change(found, look);
    });
    const record = changed ?? known;
    if (!record) throw noSubscription(name.id);
    return record;
  }

  /** The streams of a new subscription, from their present ends on. */
  async #linksOf(root: string, config: SubscriptionConfig): Promise<readonly StreamLink[]> {
    const { store, limits } = this.subscriptions.parts.registry;
    const matches = new Set(await matchesIn(store, { root, config }, limits.subscriptionStreams));
    const explicit = new Set(config.streams);
    const paths = [...new Set([...explicit, ...matches])];
    const tails = await tailsOf(store, root, paths);
    return paths.map((path) =>
      linkTo(path, { explicit: explicit.has(path), glob: matches.has(path) }, tails.get(path)),
    );
  }
}

function linkTo(
  path: string,
  { explicit = false, glob = false }: { explicit?: boolean; glob?: boolean },
  tail: { offset: number; generation: string } | undefined,
): StreamLink {
  return { path, explicit, glob, acked: tail?.offset ?? 0, generation: tail?.generation ?? "" };
}

function isSameConfig(one: SubscriptionConfig, other: SubscriptionConfig): boolean {
  const normal = ({ type, pattern, streams, url, wakeStream, leaseTtlMs, description }: SubscriptionConfig): string =>
    JSON.stringify([type, pattern, streams, url, wakeStream, leaseTtlMs, description]);
  return normal(one) === normal(other);
}

function assertPull({ config }: SubscriptionRecord): void {
  if (config.type === "pull-wake") return;
  throw new SubscriptionError(
    "INVALID_REQUEST",
    "The subscription is a webhook: only those of the type pull-wake are claimed.",
  );
}

/** The fence: a request counts only for the wake that it was made for. */
function assertCurrent(record: SubscriptionRecord, claims: TokenClaims, { wakeId, generation }: WorkerRequest): void {
  const isCurrent =
    claims.nonce === record.nonce &&
    claims.generation === record.generation &&
    generation === record.generation &&
    record.wake !== undefined &&
    wakeId === record.wake.id;
  if (isCurrent) return;
  throw new SubscriptionError(
    "FENCED",
    "The wake is over: it was acknowledged or given back, or its lease has expired.",
    {
      generation: record.generation,
    },
  );
}

function tooManyStreams(max: number): SubscriptionError {
  const message = `The subscription would have more than ${max} streams, which is the limit of the server (subscriptionStreams).`;
  return new SubscriptionError("TOO_MANY", message);
}
