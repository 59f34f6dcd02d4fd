/** The measurements and their goals. @module */
import process from "node:process";
import { until } from "../../test/fixture/until.ts";
import { MIB } from "../bench/size.ts";
import { LARGE_RECORD_BYTES } from "../bench/stage.ts";
import type { Bare } from "./bare.ts";
import { searched } from "./search.ts";
import type { Node, Stage } from "./stage.ts";

/** Milliseconds within which everything must arrive. */
const PATIENCE_MS = 600_000;

/** Paced records. */
const PACED = { recordBytes: 1024, perSecond: 200 };

/** A goal: a number of a load, and what it must be. */
export interface Goal {
  readonly key: string;
  readonly title: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** Something to measure. */
export interface Load {
  readonly name: string;
  readonly title: string;
  readonly goals: readonly Goal[];
  /** Returns all numbers by their names. Those of {@link goals} are among them. */
  measure(stage: Stage, bare: Bare, round: number): Promise<Record<string, number>>;
}

/** All loads. */
export const LOADS: readonly Load[] = [
  {
    name: "latency",
    title: "records of 1 KiB at a pace: milliseconds from an appender to followers of its server and of the other one",
    goals: [
      { key: "acrossToWithin", title: "p50 across servers / within one", atMost: 1.3 },
      { key: "acrossToBare", title: "p50 across servers / from a bare publish to its subscriber", atMost: 2 },
    ],
    measure: latency,
  },
  {
    name: "appender",
    title: "one appender: MiB per second, beside bare publishes of the same batches, one after the other",
    goals: [{ key: "toBare", title: "one appender / bare publishes", atLeast: 0.8 }],
    measure: appender,
  },
  {
    name: "catch-up",
    title: "a reader of a large path: MiB per second, beside a bare ordered consumer",
    goals: [{ key: "toBare", title: "catch-up / bare consumer", atLeast: 0.8 }],
    measure: catchUp,
  },
  {
    name: "search",
    title: "reads until a byte is found",
    goals: [{ key: "most", title: "reads for one byte, at most", atMost: 20 }],
    async measure({ lab, size }, _bare, round) {
      return await searched(lab, size.searches, round);
    },
  },
  {
    name: "crowd",
    title: "followers of both servers that get a flood: MiB per second and server, beside servers with a folder each",
    goals: [{ key: "toFolders", title: "rate per server / with a folder each", atLeast: 0.9 }],
    measure: crowd,
  },
];

async function latency(stage: Stage, bare: Bare, round: number): Promise<Record<string, number>> {
  const [one, other] = stage.cluster;
  const { recordBytes, perSecond } = PACED;
  const path = `latency-${round}.log`;
  const records = Math.ceil(stage.size.pacedSeconds * perSecond);
  const appender = await one.generator().append(path, recordBytes);
  // Both at once, so that what disturbs one disturbs the other.
  const job = { recordBytes, check: "ages", count: 1 } as const;
  const within = await one.generator().follow(path, job);
  const across = await other.generator().follow(path, job);
  let sent = 0;
  const run = async (count: number) => {
    sent += count;
    for (const follower of [within, across]) await follower.expect(sent * recordBytes);
    await appender.pace(count, perSecond);
    const [near, far] = await Promise.all([within.received(PATIENCE_MS), across.received(PATIENCE_MS)]);
    return { near: near.ages, far: far.ages };
  };
  // Warms up.
  await run(Math.ceil(records / 5));
  const { near, far } = await run(records);
  await bare.paced(recordBytes, perSecond, stage.size.pacedSeconds / 5);
  const least = await bare.paced(recordBytes, perSecond, stage.size.pacedSeconds);
  return {
    ...{ within: near.p50, withinP99: near.p99, across: far.p50, acrossP99: far.p99 },
    ...{ bare: least.p50, bareP99: least.p99 },
    ...{ acrossToWithin: far.p50 / near.p50, acrossToBare: far.p50 / least.p50 },
  };
}

async function appender(stage: Stage, bare: Bare, round: number): Promise<Record<string, number>> {
  const [one] = stage.cluster;
  const path = `appender-${round}.log`;
  const records = Math.max(1, Math.floor(stage.size.appendedBytes / LARGE_RECORD_BYTES));
  const group = await one.generator().append(path, LARGE_RECORD_BYTES);
  await group.flood(Math.ceil(records / 10));
  const before = await bare.stored(path);
  const { startNs, endNs } = await group.flood(records);
  const after = await bare.stored(path);
  const bytes = records * LARGE_RECORD_BYTES;
  const ours = bytes / MIB / ((endNs - startNs) / 1e9);
  // The same batches: nothing else is written to the store meanwhile.
  const batches = after.messages - before.messages;
  const batchBytes = Math.round(bytes / batches);
  await bare.stopAndWait(batchBytes, Math.ceil(batches / 10));
  const seconds = await bare.stopAndWait(batchBytes, batches);
  const least = (batchBytes * batches) / MIB / seconds;
  await remove(stage, path);
  return { ours, bare: least, batchBytes, toBare: ours / least };
}

async function catchUp(stage: Stage, bare: Bare, round: number): Promise<Record<string, number>> {
  const [one, other] = stage.cluster;
  const path = `large-${round}.log`;
  const records = Math.max(1, Math.floor(stage.size.largeBytes / LARGE_RECORD_BYTES));
  const bytes = records * LARGE_RECORD_BYTES;
  await (await one.generator().append(path, LARGE_RECORD_BYTES)).flood(records);
  const job = { recordBytes: LARGE_RECORD_BYTES, check: "samples", bytes } as const;
  const reader = await other.generator().follow(path, job, "follow");
  const { lastNs } = await reader.received(PATIENCE_MS);
  const ours = bytes / MIB / ((lastNs - reader.connected.startNs) / 1e9);
  const consumed = await bare.consume(path, bytes);
  const least = consumed.bytes / MIB / consumed.seconds;
  await remove(stage, path);
  return { ours, bare: least, toBare: ours / least };
}

async function crowd(stage: Stage, _bare: Bare, round: number): Promise<Record<string, number>> {
  const { followers } = stage.size;
  const path = `crowd-${round}.log`;
  const [first] = stage.cluster;
  const cluster = await flooded(stage, path, stage.cluster, [first]);
  await stage.clear();
  const folders = await flooded(stage, path, stage.folders, stage.folders);
  return { followers, cluster, folders, toFolders: cluster / folders };
}

/** Makes room: ends the append of a path, and removes it. */
async function remove(stage: Stage, path: string): Promise<void> {
  const [one] = stage.cluster;
  await stage.clear();
  await until("a path to be removed", async () => {
    const { status } = await fetch(`${one.url}/${path}`, { method: "DELETE" });
    return status === 204;
  });
}

/** Floods a path that followers of two servers follow, by one appender or by one on each. MiB per second and server. */
async function flooded(
  { size }: Stage,
  path: string,
  nodes: readonly Node[],
  appending: readonly Node[],
): Promise<number> {
  const recordBytes = 16 * 1024;
  const records = Math.max(1, Math.floor(size.floodBytes / recordBytes));
  const warm = Math.ceil(records / 10);
  const groups = await Promise.all(appending.map((node) => node.generator().append(path, recordBytes)));
  const job = { recordBytes, check: "some", count: size.followers } as const;
  const crowds = await Promise.all(nodes.map((node) => node.generator().follow(path, job)));
  const run = async (count: number, total: number): Promise<number> => {
    for (const crowd of crowds) await crowd.expect(total * recordBytes);
    const startNs = Number(process.hrtime.bigint());
    await Promise.all(groups.map((group) => group.flood(count)));
    const received = await Promise.all(crowds.map((crowd) => crowd.received(PATIENCE_MS)));
    const lastNs = Math.max(...received.map(({ lastNs }) => lastNs));
    return (size.followers * count * recordBytes) / MIB / ((lastNs - startNs) / 1e9);
  };
  await run(warm, warm);
  return await run(records, warm + records);
}
