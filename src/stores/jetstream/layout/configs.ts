/**
 * The configuration of the streams.
 * @module
 */
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "@nats-io/jetstream";
import type { Layout } from "./layout.ts";

/** Nanoseconds per millisecond. */
const NANOS = 1_000_000;

/** The version of the layout. A later one may not be readable. */
export const LAYOUT_VERSION = "1";

/** A configuration with what this store sets. */
export type OwnConfig = Partial<StreamConfig> & Pick<StreamConfig, "name">;

/** What the configurations depend on. */
export interface ConfigParts {
  readonly layout: Layout;
  /** On how many servers each stream is. */
  readonly replicas: number;
  /** Milliseconds after which a silent node counts as gone. */
  readonly leaseMs: number;
  /** Bytes of each shard at which appends are refused; -1 for no limit. */
  readonly shardBytes: number;
}

/**
 * The stream of a shard. It refuses new records when it is full, and nothing removes a single record: a purge up to the
 * tombstone of a path does, and a tombstone ends by its own time to live.
 */
export function shardConfig({ layout, replicas, shardBytes }: ConfigParts, shard: number): OwnConfig {
  return {
    ...durable(replicas),
    name: layout.shardStream(shard),
    subjects: layout.shardSubjects(shard),
    max_bytes: shardBytes,
    deny_delete: true,
    allow_msg_ttl: true,
    republish: layout.republished(shard),
  };
}

/**
 * The stream of everything that is kept beside the paths: one message per subject. Its metadata describes the layout of
 * the installation.
 */
export function metaConfig({ layout, replicas }: ConfigParts): OwnConfig {
  return {
    ...durable(replicas),
    name: layout.meta,
    subjects: layout.metaSubjects(),
    max_msgs_per_subject: 1,
    allow_msg_ttl: true,
    metadata: { httpfstream_layout: LAYOUT_VERSION, httpfstream_shards: String(layout.shards) },
  };
}

/** The stream of the leases of nodes: the server removes those that are not renewed. */
export function nodesConfig({ layout, replicas, leaseMs }: ConfigParts): OwnConfig {
  return {
    ...durable(replicas),
    name: layout.nodes,
    subjects: [layout.lease("*")],
    max_msgs_per_subject: 1,
    max_age: leaseMs * NANOS,
    duplicate_window: Math.min(leaseMs, 120_000) * NANOS,
  };
}

function durable(replicas: number): Partial<StreamConfig> {
  return {
    num_replicas: replicas,
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    // A read from any replica could be older than what was acknowledged.
    allow_direct: false,
  };
}
