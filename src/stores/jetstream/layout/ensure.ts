/**
 * Creates the streams of an installation, or checks those that are there.
 * @module
 */
import { JetStreamApiError, type StreamConfig, type StreamInfo } from "@nats-io/jetstream";
import { StreamError } from "../../../protocol/errors.ts";
import type { Calls } from "../connection/calls.ts";
import { apiCode, isFull, STREAM_NOT_FOUND } from "../connection/failures.ts";
import { metaConfig, nodesConfig, type OwnConfig, shardConfig } from "./configs.ts";
import { Layout, metaStream } from "./layout.ts";
import { DEFAULT_SHARDS, knownShards } from "./shard-count.ts";

/** The stream exists with another configuration: another node has just created it. */
const NAME_IN_USE = 10058;

/** There are not as many servers as replicas. */
const NO_SUITABLE_PEERS = 10005;
const REPLICAS_UNSUPPORTED = 10074;

/** Milliseconds before the end of a start at which the last attempt is made. */
const LAST_MS = 1_000;

/** Milliseconds after the first attempt for which another node may be creating the stream. */
const FULL_MS = 2_000;

/** Part of the room that appends may use. The servers need the rest for other data. */
const USABLE_PART = 0.8;

/** The installation that is wanted. */
export interface Wanted {
  readonly prefix: string;
  readonly replicas: number;
  /** Undefined: the number of an existing installation, and the default for a new one. */
  readonly shards: number | undefined;
  readonly leaseMs: number;
  /** Bytes of all shards together; undefined for the usable part of the available room. */
  readonly maxBytes: number | undefined;
  /** Bytes that all servers together can store; undefined if that is unknown. */
  readonly serverBytes: number | undefined;
  /** When to give up, on the clock of `performance.now()`. */
  readonly untilMs: number;
}

/** An installation that exists. */
export interface Installation {
  readonly layout: Layout;
  /** The names of the servers that store something; empty if they do not say. */
  readonly servers: ReadonlySet<string>;
}

/**
 * Makes sure that the streams are there.
 *
 * @throws {StreamError} `storage` if they are there with another number of shards or replicas, or can't be created;
 * `unavailable`, `denied`.
 */
export async function ensureStreams(calls: Calls, wanted: Wanted): Promise<Installation> {
  const { prefix, replicas, leaseMs, untilMs } = wanted;
  const reach = { path: "", untilMs };
  const meta = metaStream(prefix);
  const found = await infoOf(calls, meta, untilMs);
  const planned = found ? knownShards(meta, found.config.metadata, wanted.shards) : (wanted.shards ?? DEFAULT_SHARDS);
  const draft = { layout: new Layout(prefix, planned), replicas, leaseMs };
  // The first stream decides how many shards there are, whichever node creates it.
  const first = found ?? (await ensured(calls, metaConfig({ ...draft, shardBytes: -1 }), untilMs));
  const shards = knownShards(meta, first.config.metadata, wanted.shards);
  const layout = new Layout(prefix, shards);
  const account = await calls.reach(reach, () => calls.manager.getAccountInfo());
  const shardBytes = shardBytesOf(wanted, shards, account.limits.max_storage);
  const parts = { layout, replicas, leaseMs, shardBytes };
  const configs = Array.from({ length: shards }, (_, shard) => shardConfig(parts, shard));
  const infos = [first];
  // One after the other, because each needs an election.
  for (const config of [nodesConfig(parts), ...configs]) infos.push(await ensured(calls, config, untilMs));
  for (const { config } of infos) assertReplicas(config, replicas);
  assertLease(infos[1], leaseMs);
  return { layout, servers: new Set(infos.flatMap(serversOf)) };
}

/** Bytes of each shard at which appends are refused; -1 for no limit. */
export function shardBytesOf(
  { maxBytes, serverBytes, replicas }: Pick<Wanted, "maxBytes" | "serverBytes" | "replicas">,
  shards: number,
  accountBytes: number,
): number {
  if (maxBytes !== undefined) return Math.max(1, Math.floor(maxBytes / shards));
  const known = [serverBytes, accountBytes > 0 ? accountBytes : undefined].filter((bytes) => bytes !== undefined);
  if (known.length === 0) return -1;
  return Math.max(1, Math.floor((Math.min(...known) * USABLE_PART) / (shards * replicas)));
}

async function infoOf(calls: Calls, name: string, untilMs: number): Promise<StreamInfo | undefined> {
  return await calls.reach({ path: "", untilMs }, async () => {
    try {
      return await calls.manager.streams.info(name);
    } catch (error) {
      if (apiCode(error) === STREAM_NOT_FOUND) return undefined;
      throw error;
    }
  });
}

async function ensured(calls: Calls, config: OwnConfig, untilMs: number): Promise<StreamInfo> {
  const known = await infoOf(calls, config.name, untilMs);
  if (known) return known;
  const beganMs = performance.now();
  return await calls.reach({ path: "", untilMs }, async () => {
    try {
      return await calls.manager.streams.add(config);
    } catch (error) {
      if (isFull(error)) return await createdMeanwhile(calls, config, error, beganMs);
      const code = apiCode(error) ?? 0;
      if (code === NAME_IN_USE) return await calls.manager.streams.info(config.name);
      if (code === REPLICAS_UNSUPPORTED) throw tooFewServers(config, error);
      // A server that has just started may not be counted yet.
      if (code === NO_SUITABLE_PEERS && performance.now() > untilMs - LAST_MS) throw tooFewServers(config, error);
      const isFinal = error instanceof JetStreamApiError && error.status === 400 && code !== NO_SUITABLE_PEERS;
      throw isFinal ? refused(config, error) : error;
    }
  });
}

/**
 * The stream that another node has created in the meantime. While it is being created, NATS counts its bytes twice, and
 * refuses it to this node as if there was no room.
 *
 * @throws {StreamError} `storage` if it does not exist some time after the first attempt; before, the refusal.
 */
async function createdMeanwhile(
  calls: Calls,
  config: OwnConfig,
  refusal: unknown,
  beganMs: number,
): Promise<StreamInfo> {
  try {
    return await calls.manager.streams.info(config.name);
  } catch (error) {
    if (apiCode(error) === STREAM_NOT_FOUND && performance.now() - beganMs > FULL_MS) throw refused(config, refusal);
    throw refusal;
  }
}

function refused({ name, max_bytes: bytes = -1 }: OwnConfig, cause: unknown): StreamError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const room = bytes > 0 ? ` of ${bytes} bytes` : "";
  const remedy = isFull(cause)
    ? " Give NATS more storage, or the store less: with maxBytes, or --store-max-bytes."
    : "";
  const message = `JetStream refuses to create the stream ${name}${room}: ${why}.${remedy}`;
  return new StreamError("storage", message, { cause });
}

function tooFewServers({ name, num_replicas: replicas }: OwnConfig, cause: unknown): StreamError {
  return new StreamError(
    "storage",
    `The stream ${name} needs ${replicas} NATS servers with JetStream, which form one cluster. There are fewer.`,
    { cause },
  );
}

function assertReplicas({ name, num_replicas: found }: StreamConfig, wanted: number): void {
  if (found === wanted) return;
  throw new StreamError(
    "storage",
    `The stream ${name} is on ${found} NATS servers, not on ${wanted}. To change that, change each stream of the installation with "nats stream edit NAME --replicas ${wanted}", one after the other, and then start with the new number.`,
  );
}

function assertLease(info: StreamInfo | undefined, leaseMs: number): void {
  const found = Math.round((info?.config.max_age ?? 0) / 1_000_000);
  if (found === leaseMs) return;
  throw new StreamError(
    "storage",
    `The leases of this installation last ${found} ms, not ${leaseMs} ms. All servers must use the same number.`,
  );
}

function serversOf({ cluster }: StreamInfo): string[] {
  const { leader, replicas = [] } = cluster ?? {};
  return [...(leader ? [leader] : []), ...replicas.map(({ name }) => name)];
}
