/** All loads, in the order in which they run, with their metrics and goals. @module */
import { inBytes, KIB, MIB, type Size } from "../size.ts";
import type { AppendOptions } from "../stage.ts";
import { connect, join, paced } from "./latency.ts";
import type { Goal, Load, Metric } from "./load.ts";
import { flat, idle, stalled } from "./memory.ts";
import { appends, catchUp, copy, flood, ingest } from "./throughput.ts";

/** The server's processor time per GiB is the number that other work on the machine affects least. */
const SERVER_COST = less("serverCost", "server CPU per GiB", "s");

/** In percent of one processor, the busiest load generator's. */
const COSTS = [
  less("serverCpu", "server CPU", "%"),
  less("generatorCpu", "generator CPU", "%"),
  less("peakMemory", "peak memory", "MiB"),
];

const IDLE: Load["metrics"] = [less("each", "per follower", "KiB"), less("whole", "server", "MiB")];
const PEAK = less("whole", "peak memory", "MiB");

/** The shares of the large amounts that slow peers get, because the full amount would take minutes. */
const LARGE_SHARES = { durable: 1 / 16, "durable-memory": 1 / 16 };

/** The loads that run on each runtime, in each way of talking to httpfstream. */
const EVERYWHERE = { ways: ["v1", "classic", "http"], everyRuntime: true } as const;

const NEEDS_LIVE = { needs: ["append", "live"] } as const;
const NEEDS_LOCAL = { needs: ["append", "live", "local"] } as const;
const SMALL_FLOOD = { ...EVERYWHERE, goals: [atLeast("rate", 10, "nchan"), atLeast("rate", 0.7, "bare")] };
const STREAMS = { needs: ["streams"], ways: ["streams", "disk"] } as const;
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
  {
    ...throughputOf("stored", "file"),
    name: "ingest-one",
    title: ({ largeBytes }) => `Ingest of ${inBytes(largeBytes)} from one appender in 64 KiB frames`,
    goals: [atLeast("rate", 0.6, "bare")],
    needs: ["append"],
    measure: (stage) => ingest(stage, 1),
  },
  {
    ...throughputOf("stored", "file"),
    name: "ingest-many",
    title: ({ largeBytes, appenders }) => `Ingest of ${inBytes(largeBytes)} from ${appenders} appenders at once`,
    goals: [atLeast("rate", 0.6, "bare"), { metric: "rate", load: "ingest-one", atLeast: 1 }],
    needs: ["append"],
    measure: (stage) => ingest(stage, stage.size.appenders),
  },
  {
    ...throughputOf("read", "pipe"),
    name: "catch-up-http",
    title: ({ largeBytes }) => `Catch-up on ${inBytes(largeBytes)} over HTTP`,
    goals: [atLeast("rate", 0.75, "sendfile")],
    needs: ["read"],
    ways: ["v1"],
    everyRuntime: true,
    measure: (stage) => catchUp(stage, "read"),
  },
  {
    ...throughputOf("read", "pipe"),
    name: "catch-up-follow",
    title: ({ largeBytes }) => `Catch-up on ${inBytes(largeBytes)} by following from the first byte`,
    goals: [{ metric: "rate", against: "sendfile", load: "catch-up-http", atLeast: 0.5 }],
    needs: ["replay"],
    everyRuntime: true,
    measure: (stage) => catchUp(stage, "follow"),
  },
  {
    ...NEEDS_LOCAL,
    name: "memory-idle",
    title: ({ idle }) => `Memory of each of ${idle} idle followers`,
    metrics: IDLE,
    goals: [atMost("each", 15)],
    everyRuntime: true,
    measure: idle,
  },
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
    goals: [{ ...atMost("p50", 1.5), way: "streams" }],
  }),
  appendsOf("streams-small", "streams", "POST"),
  appendsOf("streams-producers", "streams", "POST of a producer", { isProducer: true }),
  appendsOf("streams-raw", "streams", "POST with verb=APPEND", { how: "raw" }),
  appendsOf("streams-some", "someStreams", "POST"),
  appendsOf("streams-many", "manyStreams", "POST"),
  appendsOf(
    "streams-new",
    "streams",
    "PUT",
    { isNew: true },
    {
      title: () => "A new stream for each append of 100 bytes",
      goals: [{ ...atLeast("rate", 0.25, "durable-memory"), way: "streams" }],
    },
  ),
  appendsOf(
    "streams-large",
    "largeStreams",
    "POST",
    {},
    {
      title: ({ largeStreams }) => `POST of 1 MiB each to ${largeStreams} streams`,
      goals: [],
      measure: (stage) => appends(stage, MIB, stage.size.largeStreams),
    },
  ),
  floodOf("streams-sse", "many", 100, "100-byte", {
    needs: ["streams"],
    ways: ["streams", "posted"],
    title: ({ many }) => `Flood of 100-byte records by POST to ${many} readers of server-sent events`,
    goals: [
      atLeast("rate", 1 / 1.3, "httpfstream-posted"),
      atLeast("rate", 20, "durable"),
      atLeast("rate", 20, "durable-memory"),
    ].map((goal) => ({ ...goal, way: "streams" })),
  }),
  floodOf("streams-polls", "many", 100, "100-byte", {
    needs: ["streams"],
    ways: ["streams"],
    title: ({ many }) => `Flood of 100-byte records by POST to ${many} readers by long-poll`,
    measure: (stage) => flood(stage, 100, stage.size.many, "polls"),
  }),
  {
    ...throughputOf("read", "pipe"),
    name: "streams-catch-up",
    title: ({ largeBytes }) => `Catch-up on ${inBytes(largeBytes)} by offsets, and a plain download`,
    goals: [{ ...atLeast("rate", 0.9, "httpfstream"), way: "streams" }],
    needs: ["streams"],
    ways: ["v1", "streams"],
    measure: (stage) => catchUp(stage, "read"),
  },
  {
    name: "streams-idle",
    title: ({ idle }) => `Memory of each of ${idle} idle readers of server-sent events`,
    metrics: IDLE,
    goals: [atMost("each", 15)],
    needs: ["streams", "local"],
    ways: ["streams"],
    measure: idle,
  },
];

function appendsOf(
  name: string,
  streams: keyof Size,
  kind: string,
  options: AppendOptions = {},
  rest: Partial<Load> = {},
): Load {
  return {
    ...STREAMS,
    name,
    title: (size) => `${kind} of 100 bytes each to ${size[streams]} streams over ${size.connections} connections`,
    metrics: [more("rate", "appends", "/s"), more("throughput", "throughput", "MiB/s"), ...COSTS],
    goals: [
      { ...atLeast("rate", 0.5, "durable-memory"), way: "streams" },
      { ...atLeast("rate", 6, "durable"), way: "disk" },
    ],
    measure: (stage) => appends(stage, 100, stage.size[streams], options),
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

function more(key: string, title: string, unit: string): Metric {
  return { key, title, unit, better: "more" };
}

function less(key: string, title: string, unit: string): Metric {
  return { key, title, unit, better: "less" };
}

function atLeast(metric: string, bound: number, against: string): Goal {
  return { metric, against, atLeast: bound };
}

function atMost(metric: string, bound: number, against?: string): Goal {
  return { metric, atMost: bound, ...(against === undefined ? {} : { against }) };
}
