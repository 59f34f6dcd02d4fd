/** The model: how many machines a load needs, for each of their resources. @module */
import { GIB, KIB, MIB } from "../bench/size.ts";
import type { Costs } from "./costs.ts";

/** What one machine can run out of. */
export type Resource =
  | "processor"
  | "memory"
  | "network"
  | "disk"
  | "connections"
  | "pathFollowers"
  | "appends"
  | "deadline"
  | "flushes"
  | "one path"
  | "leases";

/** How much of a resource a load needs, how much of it one machine (or one cluster) has, and so how many it takes. */
export interface Bound {
  readonly resource: Resource;
  readonly unit: string;
  readonly needed: number;
  readonly each: number;
  /** `needed / each`; Infinity if none of this size is enough, however many there are. */
  readonly machines: number;
}

/** The needs of a load on all servers together, per second where it is a rate. Absent: nothing. */
export interface ServerLoad {
  /** Seconds of processor time per second. */
  readonly processor: number;
  readonly memoryBytes?: number;
  readonly sentBytes?: number;
  readonly receivedBytes?: number;
  /** Bytes written to the disks of the servers. */
  readonly writtenBytes?: number;
  readonly connections?: number;
  /** Followers of the one path that all of them follow. */
  readonly pathFollowers?: number;
  readonly appends?: number;
  /** Seconds of processor time until one record has reached all its followers. */
  readonly burst?: number;
  /** The needs of each machine, however many there are: each gets every record of the path once. */
  readonly everyMachine?: { readonly processor: number; readonly receivedBytes: number };
}

/** The needs of a load on NATS, per second where it is a rate. */
export interface StoreLoad {
  readonly records: number;
  /** Bytes of the records, without what the store adds. */
  readonly bytes: number;
  readonly paths: number;
  /** How many servers have followers of a path. */
  readonly serversPerPath: number;
  /** All servers that renew a lease. */
  readonly servers: number;
  /**
   * Whether all records belong to one path, so that one shard and its leader take them. A second cluster does not help.
   */
  readonly isOnePath?: boolean;
}

/** The bounds of servers, the largest first. */
export function serverBounds(load: ServerLoad, costs: Costs): Bound[] {
  const { processors, utilisation, workerTax, withinMs } = costs;
  const every = load.everyMachine ?? { processor: 0, receivedBytes: 0 };
  const network = networkBytes(costs);
  const received = bound("network", "B/s", load.receivedBytes ?? 0, network - every.receivedBytes);
  const sent = bound("network", "B/s", load.sentBytes ?? 0, network);
  const memory = costs.memoryGib * GIB * utilisation - processors * costs.processMib * MIB;
  return sorted([
    bound("processor", "s/s", load.processor * workerTax, processors * utilisation - every.processor * workerTax),
    bound("memory", "B", load.memoryBytes ?? 0, memory),
    received.machines > sent.machines ? received : sent,
    bound("disk", "B/s", load.writtenBytes ?? 0, diskBytes(costs)),
    bound("connections", "", load.connections ?? 0, costs.connections * processors),
    bound("pathFollowers", "", load.pathFollowers ?? 0, costs.pathFollowers * processors),
    bound("appends", "", load.appends ?? 0, costs.appends * processors),
    bound("deadline", "s", (load.burst ?? 0) * workerTax, (processors * withinMs) / 1000),
  ]);
}

/** The bounds of a NATS cluster, the largest first. Each of its nodes has every record. */
export function storeBounds(load: StoreLoad, costs: Costs): Bound[] {
  const { isOnePath = false } = load;
  const { natsReplicas: replicas, natsShards, natsFlushMs, natsAckMs, processors, utilisation } = costs;
  // An append has one batch on its way, and what arrives meanwhile is the next one.
  const records = isOnePath ? Math.min(load.records, 1000 / natsAckMs) : load.records;
  const bytes = load.bytes + records * costs.natsRecordBytes;
  // Leaders send every byte to the other replicas, and to the servers with followers.
  const sent = (bytes * (replicas - 1 + load.serversPerPath)) / (isOnePath ? 1 : replicas);
  const flushes = ((isOnePath ? 1 : natsShards) * 1000 * utilisation) / natsFlushMs;
  const bounds = [
    bound("flushes", "/s", records, flushes),
    bound("processor", "s/s", (records * costs.natsRecordUs) / 1e6, processors * utilisation),
    bound("network", "B/s", Math.max(sent, bytes), networkBytes(costs)),
    bound("disk", "B/s", bytes, diskBytes(costs)),
    bound("memory", "B", load.paths * costs.natsPathBytes, costs.memoryGib * GIB * utilisation),
    bound("leases", "/s", load.servers * costs.leaseWrites, (1000 * utilisation) / natsAckMs),
    bound("one path", "B/s", isOnePath ? load.bytes : 0, (costs.batchBytes * 1000) / natsAckMs),
  ];
  const whole = bounds.map((each) => (isOnePath && each.machines > 1 ? { ...each, machines: Infinity } : each));
  return sorted(whole);
}

/** The machines that satisfy all bounds: at least one. Infinity if there are never enough. */
export function machinesFor(bounds: readonly Bound[]): number {
  // Rounding errors must not add a machine.
  return Math.max(1, ...bounds.map(({ machines }) => Math.ceil(machines - 1e-9)));
}

/** Seconds of processor time for bytes that are delivered, and for those that are appended. */
export function byteSeconds(bytes: number, gibSeconds: number): number {
  return (bytes / GIB) * gibSeconds;
}

/** Bytes of a number of KiB. */
export function kib(count: number): number {
  return count * KIB;
}

function networkBytes({ networkGbits, utilisation }: Costs): number {
  return (networkGbits * 1e9 * utilisation) / 8;
}

function diskBytes({ diskMibs, utilisation }: Costs): number {
  return diskMibs * MIB * utilisation;
}

function bound(resource: Resource, unit: string, needed: number, each: number): Bound {
  const machines = needed === 0 ? 0 : each <= 0 ? Infinity : needed / each;
  return { resource, unit, needed, each: Math.max(0, each), machines };
}

function sorted(bounds: readonly Bound[]): Bound[] {
  return bounds.filter(({ needed }) => needed > 0).sort((a, b) => b.machines - a.machines);
}
