/** The loads that measure waiting times: of paced records, of followers that connect, and of those that join. @module */
import { copyFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "../results.ts";
import { contentFile, type Generator, LARGE_RECORD_BYTES, type Stage } from "../stage.ts";
import type { Numbers } from "./load.ts";

const RECORDS = { recordBytes: 100 };
/** Milliseconds after the last record within which all records must arrive. */
const PATIENCE_MS = 30_000;
/**
 * The first warm-up, on separate paths. Only after thousands of records, a runtime has compiled what runs for each, which
 * keeps a processor busy for a tenth of a second. A server that has run for some minutes is past it.
 */
const WARM = { paths: 20, perSecond: 100, seconds: 5 };
/** How many followers of a path are timed, by a generator of their own: one with a thousand would measure itself. */
const TIMED = 20;
/** Of `connect`: the share of followers that warm up, and milliseconds to clean up after them. */
const CONNECT = { warmUp: 0.25, settleMs: 500 };
/** Of `join`: the joins of a path that warm up and in a turn, the pause before a join, and enough records meanwhile. */
const JOIN = { warmUp: 20, inTurn: 10, maxPauseMs: 5, perSecond: 1000, records: 120_000 };

/**
 * Each path gets records with timestamps at a pace: percentiles of their age in milliseconds at the followers. With
 * `isCold`, these are the first records of the server.
 */
export async function paced(stage: Stage, perSecond: number, followers: number, { paths = 1, isCold = false } = {}) {
  const { pacedSeconds } = stage.size;
  const path = paths === 1 ? "paced.log" : "paced-{n}.log";
  const [writer, timing, crowd] = [stage.generator(), stage.generator(), stage.generator()];
  if (!isCold) {
    // These connections stay open, so that nothing is closed during the measurement.
    const records = Math.ceil(Math.min(WARM.seconds, pacedSeconds) * WARM.perSecond);
    const job = { ...RECORDS, count: WARM.paths, bytes: records * RECORDS.recordBytes, check: "numbers" } as const;
    const appenders = await writer.append("warm-{n}.log", RECORDS.recordBytes, WARM.paths);
    const audience = await crowd.follow("warm-{n}.log", job);
    await appenders.pace(records, WARM.perSecond);
    await audience.received(PATIENCE_MS);
  }
  const appenders = await writer.append(path, RECORDS.recordBytes, paths);
  const timed = await timing.follow(path, { ...RECORDS, count: 0, check: "ages" });
  const others = await crowd.follow(path, { ...RECORDS, count: 0, check: "numbers" });
  if (followers <= TIMED) await timed.connect(paths * followers);
  // More followers than that are on one path. The timed ones are spread evenly among the others.
  const share = (turn: number): number => Math.floor(((followers - TIMED) * turn) / TIMED);
  for (let turn = 0; turn < TIMED && followers > TIMED; turn++) {
    await others.connect(share(turn + 1) - share(turn));
    await timed.connect(1);
  }
  let appended = 0;
  const run = async (seconds: number) => {
    const records = Math.ceil(seconds * perSecond);
    appended += records;
    for (const audience of [timed, others]) await audience.expect(appended * RECORDS.recordBytes);
    await appenders.pace(records, perSecond);
    await others.received(PATIENCE_MS);
    return (await timed.received(PATIENCE_MS)).ages;
  };
  // The second warm-up.
  if (!isCold) await run(pacedSeconds / 5);
  const meter = stage.meter();
  const ages = await run(pacedSeconds);
  return { ...meter(), ...ages };
}

/** Many followers connect at once: milliseconds until all are served. */
export async function connect(stage: Stage): Promise<Numbers> {
  const path = "connect.log";
  const count = stage.size.connecting;
  const [writer, reader] = [stage.generator(), stage.generator()];
  const appender = await writer.append(path, RECORDS.recordBytes);
  const job = { ...RECORDS, atOnce: count, check: "some" } as const;
  const before = await reader.follow(path, { ...job, count: Math.ceil(count * CONNECT.warmUp) });
  await before.drop();
  // The cleanup after the warm-up must not count.
  await sleep(CONNECT.settleMs);
  const meter = stage.meter();
  const all = await reader.follow(path, { ...job, count });
  const cost = meter();
  // A follower that receives nothing was not served.
  await all.expect(RECORDS.recordBytes);
  await appender.flood(1);
  await all.received(PATIENCE_MS);
  const { startNs, endNs } = all.connected;
  return { ...cost, all: (endNs - startNs) / 1e6, each: (cost.serverSeconds * 1000) / count };
}

/** Followers join a live path at its end, one by one: milliseconds until the answer and until the first byte. */
export async function join(stage: Stage): Promise<Numbers> {
  const reader = stage.generator();
  const paths = { "small.log": LARGE_RECORD_BYTES, "large.log": stage.size.largeBytes };
  for (const [path, bytes] of Object.entries(paths)) await startLivePath(stage, path, bytes);
  for (const path of Object.keys(paths)) await joinTimes(reader, path, JOIN.warmUp);
  const meter = stage.meter();
  const [small, large] = [noWaits(), noWaits()];
  for (let times = 0; times < stage.size.joins; times += JOIN.inTurn) {
    await joinTimes(reader, "small.log", JOIN.inTurn, small);
    await joinTimes(reader, "large.log", JOIN.inTurn, large);
  }
  const cost = meter();
  const sorted = large.dataMs.sort((a, b) => a - b);
  const [p50, answer] = [median(sorted), median(large.answerMs)];
  return {
    ...{ ...cost, p50, answer, p99: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN },
    ratio: p50 / median(small.dataMs),
    answerRatio: answer / median(small.answerMs),
  };
}

/** The waiting times of followers since each started to connect. */
const noWaits = () => ({ answerMs: [] as number[], dataMs: [] as number[] });

/** Fills a path and starts a paced appender, which outlasts the measurement and ends with the stage. */
async function startLivePath(stage: Stage, path: string, bytes: number): Promise<void> {
  const file = stage.server.file(path);
  if (file) {
    await copyFile(contentFile(stage, bytes), file);
  } else if (stage.peer.abilities.includes("replay")) {
    const filler = stage.generator();
    await (await filler.append(path, LARGE_RECORD_BYTES)).flood(bytes / LARGE_RECORD_BYTES);
    await filler.stop();
  }
  const appender = await stage.generator().append(path, RECORDS.recordBytes);
  appender.pace(JOIN.records, JOIN.perSecond).catch(() => {});
}

async function joinTimes(reader: Generator, path: string, times: number, waits = noWaits()): Promise<void> {
  for (let time = 0; time < times; time++) {
    // Without a pause, each follower would join just after a record, with which the previous one left. A timer alone
    // would wake at whole milliseconds, like the appender's, so all would wait equally long.
    const untilMs = performance.now() + Math.random() * JOIN.maxPauseMs;
    await sleep(Math.floor(untilMs - performance.now()));
    while (performance.now() < untilMs);
    const follower = await reader.follow(path, { ...RECORDS, check: "first", bytes: 1 }, "tail");
    const { lastNs } = await follower.received(PATIENCE_MS);
    await follower.drop();
    const { startNs, endNs } = follower.connected;
    waits.answerMs.push((endNs - startNs) / 1e6);
    waits.dataMs.push((lastNs - startNs) / 1e6);
  }
}
