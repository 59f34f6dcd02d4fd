/**
 * The records of subscriptions to streams: what wakes them, how far their workers have processed the streams, and the
 * wake in flight.
 * @module
 */

/** The configuration that a client asks for. */
export interface SubscriptionConfig {
  /** `webhook`: the server sends a request. `pull-wake`: it appends an event to a stream. */
  readonly type: "webhook" | "pull-wake";
  /** Which paths are watched, relative to the root. */
  readonly pattern?: string;
  /** Other paths that are watched, relative to the root; sorted. */
  readonly streams: readonly string[];
  /** Where a webhook is sent to. */
  readonly url?: string;
  /** The path of the stream that gets the events of a `pull-wake`, relative to the root. */
  readonly wakeStream?: string;
  /** Milliseconds without a sign of life after which a worker has lost its wake. */
  readonly leaseTtlMs: number;
  /** A text for people. */
  readonly description?: string;
}

/** One watched stream. */
export interface StreamLink {
  /** The path, relative to the root. */
  readonly path: string;
  /** Whether the pattern matches it. */
  readonly glob: boolean;
  /** Whether a client has listed it. */
  readonly explicit: boolean;
  /** The offset just past the last byte that a worker has processed. */
  readonly acked: number;
  /** The generation of the content that {@link acked} belongs to; empty before the first check. */
  readonly generation: string;
  /** The end of the stream that the wake in flight has reported. */
  readonly told?: number;
}

/** A wake in flight. */
export interface Wake {
  /** Unique. */
  readonly id: string;
  /**
   * `due`: to be delivered, not before {@link untilMs}. `sending`: a process delivers it, and has until {@link untilMs}.
   * `sent`: it was delivered; a webhook has until {@link untilMs} for its next sign of life. `held`: a worker has claimed
   * it, until {@link untilMs}.
   */
  readonly phase: "due" | "sending" | "sent" | "held";
  /** In milliseconds since 1970. Undefined for now, or for no limit. */
  readonly untilMs?: number;
  /** The worker that has claimed it. */
  readonly holder?: string;
  /** The path of a stream that caused it. */
  readonly cause: string;
}

/** The record of a subscription. */
export interface SubscriptionRecord {
  /** The folder that its paths are relative to; empty for the root folder. */
  readonly root: string;
  /** Its name, unique below the root. */
  readonly id: string;
  /** Distinguishes it from an earlier one of the same name. */
  readonly nonce: string;
  /** Grows with each change. */
  readonly revision: number;
  /** The URL of the root, as its clients know it, without a trailing slash. */
  readonly baseUrl: string;
  /** When it was created (RFC 3339). */
  readonly createdAt: string;
  /** The configuration that its client has asked for. */
  readonly config: SubscriptionConfig;
  /** The streams that it watches. */
  readonly streams: readonly StreamLink[];
  /** How many wakes there were. */
  readonly generation: number;
  /** The wake in flight. */
  readonly wake?: Wake;
  /** Deliveries in a row that have failed. */
  readonly failures: number;
}

/** The names of a subscription. */
export type SubscriptionName = Pick<SubscriptionRecord, "root" | "id">;

/**
 * Decides about a change of a record. Resolves to the new record, to `null` to remove it, or to undefined to leave it.
 *
 * @param found Undefined if it does not exist.
 */
export type SubscriptionChange = (
  found: SubscriptionRecord | undefined,
) => Promise<SubscriptionRecord | null | undefined>;

/** Stores subscriptions. A change is stored when its promise resolves, and survives what a stored byte survives. */
export interface SubscriptionRecords {
  /** All subscriptions. Called about once per second if the store is not private. */
  list(): Promise<readonly SubscriptionRecord[]>;
  /** Finds a subscription; undefined if it does not exist. */
  find(name: SubscriptionName): Promise<SubscriptionRecord | undefined>;
  /**
   * Changes a subscription. No other process and no other call changes it meanwhile.
   *
   * @throws {StreamError} `busy` if other processes keep changing it; errors of `change`.
   */
  change(name: SubscriptionName, change: SubscriptionChange): Promise<void>;
  /**
   * A secret text, the same for all processes. The first call creates it. Only the server may be able to read it.
   */
  secret(create: () => Promise<string>): Promise<string>;
}

/** Whether a value is a record that this version of the server can use. */
export function isSubscriptionRecord(value: unknown): value is SubscriptionRecord {
  const { root, id, nonce, revision, baseUrl, createdAt, config, streams, generation, failures, wake } = (value ??
    {}) as Partial<SubscriptionRecord>;
  const areTexts = [root, id, nonce, baseUrl, createdAt].every((text) => typeof text === "string");
  const areNumbers = [revision, generation, failures].every((number) => Number.isSafeInteger(number));
  return areTexts && areNumbers && isConfig(config) && Array.isArray(streams) && streams.every(isLink) && isWake(wake);
}

function isConfig(config: unknown): config is SubscriptionConfig {
  const { type, streams, leaseTtlMs, url, wakeStream } = (config ?? {}) as Partial<SubscriptionConfig>;
  const isAddressed =
    type === "webhook" ? typeof url === "string" : type === "pull-wake" && typeof wakeStream === "string";
  return isAddressed && Array.isArray(streams) && Number.isSafeInteger(leaseTtlMs);
}

function isLink(link: unknown): link is StreamLink {
  const { path, acked, generation } = (link ?? {}) as Partial<StreamLink>;
  return typeof path === "string" && Number.isSafeInteger(acked) && typeof generation === "string";
}

function isWake(wake: unknown): boolean {
  if (wake === undefined) return true;
  const { id, phase } = (wake ?? {}) as Partial<Wake>;
  return typeof id === "string" && ["due", "sending", "sent", "held"].some((known) => known === phase);
}
