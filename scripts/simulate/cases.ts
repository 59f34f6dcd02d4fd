/** The three cases: what each of their variants needs, and what it runs out of first. @module */
import { type Audience, appendSeconds, audienceLoad, connectSeconds, deliverySeconds, wireBytes } from "./audience.ts";
import type { Costs } from "./costs.ts";
import type { CaseName, Loads } from "./loads.ts";
import { type Bound, kib, machinesFor, type ServerLoad, type StoreLoad, serverBounds, storeBounds } from "./model.ts";

/** What a variant of a case needs. */
export interface Outcome {
  readonly name: string;
  /** Servers, the spare ones included. Infinity if no number of them is enough. */
  readonly servers: number;
  readonly bounds: readonly Bound[];
  /** Absent: plain files on each server, which has its own paths. */
  readonly store?: { readonly clusters: number; readonly machines: number; readonly bounds: readonly Bound[] };
  /** Milliseconds until the last follower has a record, and seconds until all have connected again. */
  readonly lastMs?: number;
  readonly connectSeconds?: number;
  /** The appenders that fill the servers. */
  readonly appenders?: number;
}

/** Computes all variants of a case. */
export function outcomesOf(caseName: CaseName, loads: Loads, costs: Costs): Outcome[] {
  if (caseName === "one-path") return onePath(loads["one-path"], costs);
  return caseName === "many-paths" ? manyPaths(loads["many-paths"], costs) : appenders(loads.appenders, costs);
}

function onePath(load: Loads["one-path"], costs: Costs): Outcome[] {
  const { followers, perSecond, bytes, busyPerSecond, largePerSecond, largeBytes } = load;
  const slow = { followers, perSecond, bytes };
  const atEdges = { perSecond, bytes, followers: Math.min(followers, costs.edges) };
  return [
    fanOut(`WebSocket, ${rate(perSecond, bytes)}`, { ...slow, way: "websocket" }, costs),
    fanOut(`WebSocket, ${rate(busyPerSecond, bytes)}`, { ...slow, way: "websocket", perSecond: busyPerSecond }, costs),
    fanOut(
      `WebSocket, ${rate(largePerSecond, largeBytes)}`,
      { way: "websocket", followers, perSecond: largePerSecond, bytes: largeBytes },
      costs,
    ),
    fanOut(`server-sent events, ${rate(perSecond, bytes)}`, { ...slow, way: "events" }, costs),
    fanOut("the same, joined at the edge", { ...atEdges, way: "events" }, costs),
    fanOut(`long-polls, ${rate(perSecond, bytes)}`, { ...slow, way: "polls" }, costs),
    fanOut("the same, through a CDN", { ...atEdges, way: "polls" }, costs),
  ];
}

function fanOut(name: string, audience: Audience, costs: Costs): Outcome {
  const load = audienceLoad(audience, costs);
  const bounds = serverBounds(load, costs);
  const servers = machinesFor(bounds) + costs.spareMachines;
  const { perSecond, bytes, followers, way } = audience;
  const store = cluster(
    { records: perSecond, bytes: perSecond * bytes, paths: 1, serversPerPath: servers, servers, isOnePath: true },
    costs,
  );
  const all = servers * costs.processors;
  /** Seconds that all servers together take. */
  const passed = (processor: number): number => (servers === Infinity ? Infinity : (processor * costs.workerTax) / all);
  const lastMs = costs.baseMs + costs.natsAckMs + 1000 * passed(load.burst);
  const connected = passed(followers * connectSeconds(way, costs));
  return { name, servers, bounds, store, lastMs, connectSeconds: connected };
}

function manyPaths(load: Loads["many-paths"], costs: Costs): Outcome[] {
  const { paths, followersEach, perSecond, bytes } = load;
  const records = paths * perSecond;
  const deliveries = records * followersEach;
  const delivery = {
    processor: deliveries * deliverySeconds("websocket", bytes, costs),
    memoryBytes: paths * followersEach * kib(costs.followerKib),
    sentBytes: deliveries * wireBytes(bytes, costs),
    receivedBytes: records * wireBytes(bytes, costs),
    connections: paths * (1 + followersEach),
  };
  const storing = { writtenBytes: records * bytes };
  const held = { memoryBytes: delivery.memoryBytes + paths * kib(costs.pathKib), appends: paths };
  const open = { ...delivery, ...held, processor: delivery.processor + records * appendSeconds(bytes, costs) };
  const posted = { ...delivery, processor: delivery.processor + (records * costs.postMs) / 1000 };
  // A follower is rarely at the server of its appender: its server takes each record from the store, as from an appender.
  const isTapped = followersEach > 0 ? 1 : 0;
  const tapped = {
    ...open,
    processor: open.processor + isTapped * records * appendSeconds(bytes, costs),
    memoryBytes: open.memoryBytes + isTapped * paths * kib(costs.pathKib),
    sentBytes: open.sentBytes + records * bytes,
    receivedBytes: open.receivedBytes + isTapped * records * (bytes + costs.natsRecordBytes),
  };
  const inStore = { records, bytes: records * bytes, paths, serversPerPath: followersEach };
  return [
    plain("open appends, files of each server", { ...open, ...storing }, costs),
    plain("a POST per record, files of each server", { ...posted, ...storing }, costs),
    stored("open appends, NATS", tapped, inStore, costs),
  ];
}

function appenders(load: Loads["appenders"], costs: Costs): Outcome[] {
  return [load.bytes, load.largeBytes].flatMap((bytes) => {
    const { servers, perSecond } = load;
    const one = {
      processor: perSecond * appendSeconds(bytes, costs),
      memoryBytes: kib(costs.pathKib),
      receivedBytes: perSecond * wireBytes(bytes, costs),
      ...{ connections: 1, appends: 1 },
    };
    return [
      filled(`${rate(perSecond, bytes)} each, files`, servers, { ...one, writtenBytes: perSecond * bytes }, costs),
      filled(`${rate(perSecond, bytes)} each, NATS`, servers, { ...one, sentBytes: perSecond * bytes }, costs, {
        records: perSecond,
        bytes: perSecond * bytes,
      }),
    ];
  });
}

/** As many appenders as a number of servers carries. `one` is the load of one of them. */
function filled(
  name: string,
  servers: number,
  one: ServerLoad,
  costs: Costs,
  inStore?: Pick<StoreLoad, "records" | "bytes">,
): Outcome {
  const bounds = serverBounds(one, costs);
  const count = servers * Math.floor(1 / (bounds[0]?.machines ?? Infinity));
  const outcome = { name, servers, appenders: count, bounds: bounds.map((each) => times(each, count)) };
  if (inStore === undefined) return outcome;
  const { records, bytes } = inStore;
  const load = { records: records * count, bytes: bytes * count, paths: count, serversPerPath: 0, servers };
  return { ...outcome, store: cluster(load, costs) };
}

function times(bound: Bound, count: number): Bound {
  return { ...bound, needed: bound.needed * count, machines: bound.machines * count };
}

function plain(name: string, load: ServerLoad, costs: Costs): Outcome {
  const bounds = serverBounds(load, costs);
  return { name, servers: machinesFor(bounds) + costs.spareMachines, bounds };
}

function stored(name: string, load: ServerLoad, inStore: Omit<StoreLoad, "servers">, costs: Costs): Outcome {
  const outcome = plain(name, load, costs);
  return { ...outcome, store: cluster({ ...inStore, servers: outcome.servers }, costs) };
}

function cluster(load: StoreLoad, costs: Costs): NonNullable<Outcome["store"]> {
  const bounds = storeBounds(load, costs);
  const clusters = machinesFor(bounds);
  return { clusters, machines: clusters * costs.natsReplicas, bounds };
}

/** A rate as text, such as `10 × 200 B a second`. */
function rate(perSecond: number, bytes: number): string {
  const size = bytes >= 1024 ? `${Number((bytes / 1024).toPrecision(3))} KiB` : `${bytes} B`;
  return `${perSecond} × ${size}/s`;
}
