/** All loads, in the order in which they run, with their metrics and goals. @module */
import type { Way } from "../peers/peer.ts";
import { inBytes, KIB, MIB, type Size } from "../size.ts";
import { connect, join, paced } from "./latency.ts";
import type { Goal, Load, Metric } from "./load.ts";
import { flat, idle, stalled } from "./memory.ts";
import { appends, catchUp, copy, flood, ingest, type Requests } from "./throughput.ts";

type Rest = Partial<Load> & Pick<Load, "needs">;

const more = (key: string, title: string, unit: string): Metric => ({ key, title, unit, better: "more" });
const less = (key: string, title: string, unit: string): Metric => ({ key, title, unit, better: "less" });
const atLeast = (metric: string, atLeast: number, against: string, way?: Way) => ({ metric, against, way, atLeast });
const atMost = (metric: string, atMost: number, against?: string, way?: Way) => ({ metric, against, way, atMost });

/** The server's processor time per GiB is the number that other work on the machine affects least. */
const SERVER_COST = less("serverCost", "server CPU per GiB", "s");

/** In percent of one processor, the busiest load generator's. */
const COSTS = [
  less("serverCpu", "server CPU", "%"),
  less("generatorCpu", "generator CPU", "%"),
  less("peakMemory", "peak memory", "MiB"),
];

const PEAK = less("whole", "peak memory", "MiB");
/** The shares of the large amounts that slow peers get, because the full amount would take minutes. */
const LARGE_SHARES = { durable: 1 / 16, "durable-memory": 1 / 16 };
/** The loads that run on each runtime, in each way of talking to httpfstream. */
const EVERYWHERE = { ways: ["v1", "classic", "http"], everyRuntime: true } as const;

const NEEDS_LIVE = { needs: ["append", "live"] } as const;
const NEEDS_LOCAL = { needs: ["append", "live", "local"] } as const;
const SMALL_FLOOD = { ...EVERYWHERE, goals: [atLeast("rate", 10, "nchan"), atLeast("rate", 0.7, "bare")] };
const STREAMS = { needs: ["streams"], ways: ["streams", "disk"] } as const;
const FAN_OUT = { "httpfstream-posted": 0.77, durable: 20, "durable-memory": 20 };
const BESIDE_MEMORY = atLeast("rate", 0.5, "durable-memory", "streams");
const APPEND_GOALS = [BESIDE_MEMORY, atLeast("rate", 6, "durable", "disk")];
const LATENCY = { ...EVERYWHERE, goals: [atMost("p50", 1, "nchan"), atMost("p99", 1, "nchan")] };

export const LOADS: readonly Load[] = [
  floodOf("flood-small-few", "few", 100, "100-byte", SMALL_FLOOD),
  floodOf("flood-small-many", "many", 100, "100-byte", SMALL_FLOOD),
  floodOf("flood-large", "few", 16 * KIB, "16 KiB", {
    goals: [atLeast("rate", 1.2, "nchan"), atLeast("rate", 0.7, "bare")],
  }),
  pacedOf("paced-one", "one", 200, {
    ...EVERYWHERE,
    goals: [atMost("p50", 1.3, "bare"), atMost("p99", 1.3, "bare")],
  }),
  pacedOf("paced-few", "few", 200, LATENCY),
  pacedOf("paced-first", "few", 200, {
    goals: [atMost("p50", 1.3, "nchan"), atMost("p99", 1.3, "nchan")],
    title: ({ few }) => `Latency of the first records of a new server, 200 a second to ${few} followers`,
    measure: (stage) => paced(stage, 200, stage.size.few, { isCold: true }),
  }),
  pacedOf("paced-many", "many", 50, LATENCY),
  pacedOf("paced-crowd", "crowd", 10, {}),
  ingestOf("ingest-one", "one", [atLeast("rate", 0.6, "bare")]),
  ingestOf("ingest-many", "appenders", [
    atLeast("rate", 0.6, "bare"),
    { metric: "rate", load: "ingest-one", atLeast: 1 },
  ]),
  catchUpOf("catch-up-http", "over HTTP", "read", {
    goals: [atLeast("rate", 0.75, "sendfile")],
    needs: ["read"],
    ways: ["v1"],
  }),
  catchUpOf("catch-up-follow", "by following from the first byte", "follow", {
    goals: [{ metric: "rate", against: "sendfile", load: "catch-up-http", atLeast: 0.5 }],
    needs: ["replay"],
  }),
  idleOf("memory-idle", "followers", NEEDS_LOCAL),
  {
    ...NEEDS_LOCAL,
    name: "memory-stalled",
    title: ({ stalled, largeBytes }) => `Memory of each of ${stalled} stalled followers of ${inBytes(largeBytes)}`,
    metrics: [less("growth", "growth per follower", "MiB"), less("each", "beyond the append's own", "MiB"), PEAK],
    goals: [atMost("growth", 1)],
    everyRuntime: true,
    // Both would take minutes for more: nchan's time grows with the square of the bytes pending for a follower.
    shares: { durable: 1 / 64, nchan: 1 / 4 },
    measure: stalled,
  },
  {
    ...NEEDS_LOCAL,
    name: "memory-flat",
    title: ({ longBytes }) => `Growth of the server while ${inBytes(longBytes)} go through it`,
    metrics: [less("growth", "growth", "MiB"), less("peakGrowth", "growth of the peak", "MiB"), PEAK],
    goals: [atMost("growth", 16), atMost("peakGrowth", 32)],
    // The other peers keep everything in memory, or would need an hour.
    onlyOurs: true,
    measure: flat,
  },
  {
    ...NEEDS_LIVE,
    name: "connect",
    title: ({ connecting }) => `${connecting} followers that connect at once`,
    metrics: [less("all", "until all are served", "ms"), less("each", "server CPU each", "ms"), ...COSTS],
    goals: [atMost("all", 2, "bare"), atMost("all", 1.3, "ungated"), atMost("each", 1.3, "ungated")],
    ways: ["v1", "classic", "http"],
    gated: true,
    measure: connect,
  },
  pacedOf("paths", "paths", 10, {
    title: ({ paths }) => `Latency of 10 records a second on each of ${paths} paths`,
    measure: (stage) => paced(stage, 10, 1, { paths: stage.size.paths }),
  }),
  {
    ...NEEDS_LIVE,
    name: "join",
    title: ({ largeBytes }) => `Followers that join one after the other at the end of ${inBytes(largeBytes)}`,
    metrics: [
      less("p50", "first byte p50", "ms"),
      less("p99", "first byte p99", "ms"),
      less("ratio", "p50, large path / small path", "×"),
      less("answer", "answer p50", "ms"),
      less("answerRatio", "answer, large path / small path", "×"),
      ...COSTS,
    ],
    goals: [atMost("ratio", 1.25), atMost("answerRatio", 1.25)],
    shares: LARGE_SHARES,
    measure: join,
  },
  pacedOf("streams-paced", "one", 200, {
    ...STREAMS,
    title: () => "Latency from a POST to a reader of server-sent events, 200 records a second",
    goals: [atMost("p50", 1.5, undefined, "streams")],
  }),
  appendsOf("streams-small", "POST", "streams"),
  appendsOf("streams-producers", "POST with a producer's headers", "streams", { isProducer: true }),
  appendsOf("streams-raw", "POST with verb=APPEND", "streams", { how: "raw" }),
  appendsOf("streams-some", "POST", "someStreams", {}, [BESIDE_MEMORY]),
  appendsOf("streams-many", "POST", "manyStreams", {}, [BESIDE_MEMORY]),
  appendsOf("streams-new", "PUT", "streams", { isNew: true }, [atLeast("rate", 0.25, "durable-memory", "streams")]),
  appendsOf("streams-large", "POST", "largeStreams", { recordBytes: MIB }, []),
  floodOf("streams-sse", "many", 100, "100-byte", {
    ...{ ...STREAMS, ways: ["streams", "posted"] },
    title: ({ many }) => `Flood of 100-byte records by POST to ${many} readers of server-sent events`,
    measure: (stage) => flood(stage, 100, stage.size.many, "follow", stage.size.warmAppends),
    goals: Object.entries(FAN_OUT).map(([peer, bound]) => atLeast("rate", bound, peer, "streams")),
  }),
  floodOf("streams-polls", "many", 100, "100-byte", {
    ...{ ...STREAMS, ways: ["streams"] },
    title: ({ many }) => `Flood of 100-byte records by POST to ${many} readers by long-poll`,
    measure: (stage) => flood(stage, 100, stage.size.many, "polls", stage.size.warmAppends),
  }),
  catchUpOf("streams-catch-up", "by offsets, and with a plain download", "read", {
    ...{ ...STREAMS, ways: ["v1", "streams"] },
    goals: [atLeast("rate", 0.9, "httpfstream", "streams")],
  }),
  floodOf("workers-flood", "many", 100, "100-byte", {
    ...{ ways: ["v1", "workers"], onlyOurs: true, goals: [atMost("serverCost", 1.1, "httpfstream", "workers")] },
  }),
  pacedOf("workers-paced", "few", 200, { ways: ["v1", "workers"], onlyOurs: true }),
  { ...appendsOf("workers-raw", "POST with a verb", "streams", { how: "raw" }, []), ways: ["streams", "workers"] },
  idleOf("streams-idle", "readers of server-sent events", { needs: ["streams", "local"], ways: ["streams"] }),
];

function appendsOf(name: string, kind: string, streams: keyof Size, how: Requests = {}, goals = APPEND_GOALS): Load {
  const [bytes, what] = [how.recordBytes ?? 100, how.isNew ? "new streams in each turn" : "streams"];
  return {
    ...{ ...STREAMS, name, goals },
    title: (size) => `${kind} of ${bytes} bytes over ${size.connections} connections, to ${size[streams]} ${what}`,
    metrics: [more("rate", "appends", "/s"), more("throughput", "throughput", "MiB/s"), ...COSTS],
    measure: (stage) => appends(stage, stage.size[streams], how),
  };
}

function ingestOf(name: string, appenders: keyof Size, goals: readonly Goal[]): Load {
  return {
    ...throughputOf("stored", "file"),
    name,
    title: (size) =>
      `Ingest of ${inBytes(size.largeBytes)} ${size[appenders] === 1 ? "from one appender in 64 KiB frames" : `from ${size[appenders]} appenders at once`}`,
    goals,
    needs: ["append"],
    measure: (stage) => ingest(stage, stage.size[appenders]),
  };
}

function catchUpOf(name: string, kind: string, how: "read" | "follow", rest: Rest): Load {
  return {
    ...throughputOf("read", "pipe"),
    name,
    title: ({ largeBytes }) => `Catch-up on ${inBytes(largeBytes)} ${kind}`,
    everyRuntime: true,
    measure: (stage) => catchUp(stage, how),
    ...rest,
  };
}

function idleOf(name: string, kind: string, rest: Rest): Load {
  return {
    name,
    title: ({ idle }) => `Memory of each of ${idle} idle ${kind}`,
    metrics: [less("each", "per follower", "KiB"), less("whole", "server", "MiB")],
    goals: [atMost("each", 15)],
    everyRuntime: true,
    measure: idle,
    ...rest,
  };
}

function floodOf(name: string, followers: keyof Size, bytes: number, kind: string, rest: Partial<Load>): Load {
  return {
    ...NEEDS_LIVE,
    name,
    title: (size) => `Flood of ${kind} records to ${size[followers]} followers`,
    metrics: [more("rate", "deliveries", "/s"), more("throughput", "throughput", "MiB/s"), SERVER_COST, ...COSTS],
    measure: (stage) => flood(stage, bytes, stage.size[followers]),
    ...rest,
  };
}

function pacedOf(name: string, followers: keyof Size, perSecond: number, rest: Partial<Load>): Load {
  return {
    ...NEEDS_LIVE,
    name,
    title: (size) => `Latency of ${perSecond} records a second, followers: ${size[followers]}`,
    metrics: [less("p99", "p99", "ms"), less("p50", "p50", "ms"), less("p999", "p99.9", "ms"), ...COSTS],
    measure: (stage) => paced(stage, perSecond, stage.size[followers]),
    ...rest,
  };
}

function throughputOf(title: string, copyTo: "file" | "pipe"): Pick<Load, "metrics" | "shares" | "copy"> {
  return {
    metrics: [more("rate", title, "MiB/s"), SERVER_COST, ...COSTS],
    shares: LARGE_SHARES,
    copy: (stage) => copy(stage, copyTo),
  };
}
