/**
 * All loads, in the order in which they run, with their goals.
 * @module
 */
import type { Goal, Load } from "../load.ts";
import { inBytes } from "../size.ts";
import { catchUp } from "./catch-up.ts";
import { CONNECT } from "./connect.ts";
import { flood } from "./flood.ts";
import { ingest } from "./ingest.ts";
import { JOIN } from "./join.ts";
import { FLAT, IDLE, STALLED } from "./memory.ts";
import { paced } from "./paced.ts";

const SMALL_BYTES = 100;
const LARGE_BYTES = 16 * 1024;

const SMALL_FLOOD: readonly Goal[] = [
  { metric: "rate", against: "nchan", atLeast: 10 },
  { metric: "rate", against: "bare", atLeast: 0.7 },
];

const LARGE_FLOOD: readonly Goal[] = [
  { metric: "rate", against: "nchan", atLeast: 1.2 },
  { metric: "rate", against: "bare", atLeast: 0.7 },
];

const LATENCY: readonly Goal[] = [
  { metric: "p50", against: "nchan", atMost: 1 },
  { metric: "p99", against: "nchan", atMost: 1 },
];

/** All loads. */
export const LOADS: readonly Load[] = [
  flood({
    name: "flood-small-few",
    title: ({ few }) => `Flood of 100-byte records to ${few} followers`,
    recordBytes: SMALL_BYTES,
    followers: ({ few }) => few,
    ways: ["v1", "classic", "http"],
    everyRuntime: true,
    goals: SMALL_FLOOD,
  }),
  flood({
    name: "flood-small-many",
    title: ({ many }) => `Flood of 100-byte records to ${many} followers`,
    recordBytes: SMALL_BYTES,
    followers: ({ many }) => many,
    ways: ["v1", "classic", "http"],
    everyRuntime: true,
    goals: SMALL_FLOOD,
  }),
  flood({
    name: "flood-large",
    title: ({ few }) => `Flood of 16 KiB records to ${few} followers`,
    recordBytes: LARGE_BYTES,
    followers: ({ few }) => few,
    ways: ["v1", "classic"],
    everyRuntime: false,
    goals: LARGE_FLOOD,
  }),
  paced({
    name: "paced-few",
    title: ({ few }) => `Latency of 200 records a second to ${few} followers`,
    paths: () => 1,
    followers: ({ few }) => few,
    perSecond: 200,
    ways: ["v1", "classic", "http"],
    everyRuntime: true,
    goals: LATENCY,
  }),
  paced({
    name: "paced-many",
    title: ({ many }) => `Latency of 50 records a second to ${many} followers`,
    paths: () => 1,
    followers: ({ many }) => many,
    perSecond: 50,
    ways: ["v1", "classic", "http"],
    everyRuntime: true,
    goals: LATENCY,
  }),
  paced({
    name: "paced-crowd",
    title: ({ crowd }) => `Latency of 10 records a second to ${crowd} followers`,
    paths: () => 1,
    followers: ({ crowd }) => crowd,
    perSecond: 10,
    ways: ["v1", "classic"],
    everyRuntime: false,
    goals: [],
  }),
  ingest({
    name: "ingest-one",
    title: ({ largeBytes }) => `Ingest of ${inBytes(largeBytes)} from one appender in 64 KiB frames`,
    appenders: () => 1,
    goals: [{ metric: "rate", against: "bare", atLeast: 0.6 }],
  }),
  ingest({
    name: "ingest-many",
    title: ({ largeBytes, appenders }) => `Ingest of ${inBytes(largeBytes)} from ${appenders} appenders at once`,
    appenders: ({ appenders }) => appenders,
    goals: [
      { metric: "rate", against: "bare", atLeast: 0.6 },
      { metric: "rate", load: "ingest-one", atLeast: 1 },
    ],
  }),
  catchUp({
    name: "catch-up-http",
    title: ({ largeBytes }) => `Catch-up on ${inBytes(largeBytes)} over HTTP`,
    reading: "http",
    goals: [{ metric: "rate", against: "sendfile", atLeast: 0.75 }],
  }),
  catchUp({
    name: "catch-up-follow",
    title: ({ largeBytes }) => `Catch-up on ${inBytes(largeBytes)} by following from the first byte`,
    reading: "follow",
    goals: [{ metric: "rate", against: "sendfile", load: "catch-up-http", atLeast: 0.5 }],
  }),
  IDLE,
  STALLED,
  FLAT,
  CONNECT,
  paced({
    name: "paths",
    title: ({ paths }) => `Latency of 10 records a second on each of ${paths} paths`,
    paths: ({ paths }) => paths,
    followers: () => 1,
    perSecond: 10,
    ways: ["v1", "classic"],
    everyRuntime: false,
    goals: [],
  }),
  JOIN,
];
