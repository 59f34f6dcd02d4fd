/**
 * Join: the time until the first byte for a follower that joins at the end of a live path, and how it depends on the
 * size of the path.
 * @module
 */
import { copyFile } from "node:fs/promises";
import { contentFile, LARGE_RECORD_BYTES, LARGE_SHARES } from "../content.ts";
import type { FollowDialect, Target } from "../generator/protocol.ts";
import type { Generator } from "../generator.ts";
import { GENERATOR_CPU, type Load, type Numbers, PEAK_MEMORY, SERVER_CPU } from "../load.ts";
import { inBytes } from "../size.ts";
import type { Stage } from "../stage.ts";
import { median, percentile } from "../stats.ts";

/**
 * Records per second of each appender. The first byte comes with the next record, on average half a millisecond later.
 */
const PER_SECOND = 1000;

/** The size of these records. */
const RECORDS = { bytes: 100 };

/** Seconds for which records are appended while followers join; enough for the slowest peer. */
const SECONDS = 120;

/** The size of the small path, in bytes. */
const SMALL_BYTES = LARGE_RECORD_BYTES;

/** How many joins of each path are a warm-up. */
const WARM_UP_JOINS = 20;

/** How many followers join one path before the other path's turn. */
const JOINS_IN_TURN = 10;

/** The load. */
export const JOIN: Load = {
  name: "join",
  title: ({ largeBytes }) => `Followers that join one after the other at the end of ${inBytes(largeBytes)}`,
  metrics: [
    { key: "p50", title: "first byte p50", unit: "ms", better: "less" },
    { key: "p99", title: "first byte p99", unit: "ms", better: "less" },
    { key: "ratio", title: "p50, large path / small path", unit: "×", better: "less" },
    { key: "answer", title: "answer p50", unit: "ms", better: "less" },
    { key: "answerRatio", title: "answer, large path / small path", unit: "×", better: "less" },
    SERVER_CPU,
    GENERATOR_CPU,
    PEAK_MEMORY,
  ],
  goals: [
    { metric: "ratio", atMost: 1.25 },
    { metric: "answerRatio", atMost: 1.25 },
  ],
  shares: LARGE_SHARES,
  needs: ["append", "live"],
  async measure(stage: Stage): Promise<Numbers> {
    const reader = stage.generator();
    const [small, large] = [
      await Path.prepare(stage, "small.log", SMALL_BYTES),
      await Path.prepare(stage, "large.log", stage.size.largeBytes),
    ];
    for (const path of [small, large]) await path.warmUp(reader);
    const meter = stage.meter();
    for (let times = 0; times < stage.size.joins; times += JOINS_IN_TURN) {
      for (const path of [small, large]) await path.join(reader);
    }
    const cost = meter();
    const p50 = median(large.dataMs);
    const answer = median(large.answerMs);
    return {
      ...cost,
      p50,
      p99: percentile(large.dataMs, 0.99),
      ratio: p50 / median(small.dataMs),
      answer,
      answerRatio: answer / median(small.answerMs),
    };
  },
};

/** A path with a paced appender, and the waiting times of the followers that joined it. */
class Path {
  readonly answerMs: number[] = [];
  readonly dataMs: number[] = [];
  readonly #target: Target<FollowDialect>;

  private constructor(target: Target<FollowDialect>) {
    this.#target = target;
  }

  /** Creates a path of that size, and starts its appender. */
  static async prepare(stage: Stage, path: string, bytes: number): Promise<Path> {
    const { peer, server } = stage;
    const writer = stage.generator();
    if (server.file) await copyFile(await contentFile(stage.below, bytes), server.file(path));
    else if (peer.abilities.includes("replay")) await fill(stage, path, bytes);
    const { group } = await writer.call("append", { target: server.append(path), count: 1, records: RECORDS });
    const pacing = writer.call("pace", { group, records: SECONDS * PER_SECOND, perSecond: PER_SECOND });
    // The appender outlasts the measurement and is stopped with the stage, which rejects this promise.
    pacing.catch(() => {});
    return new Path(server.follow(path, "now"));
  }

  async warmUp(reader: Generator): Promise<void> {
    await reader.call("join", { target: this.#target, times: WARM_UP_JOINS });
  }

  async join(reader: Generator): Promise<void> {
    const { answerMs, dataMs } = await reader.call("join", { target: this.#target, times: JOINS_IN_TURN });
    this.answerMs.push(...answerMs);
    this.dataMs.push(...dataMs);
  }
}

/** Appends the content, for peers that do not store paths as files. */
async function fill(stage: Stage, path: string, bytes: number): Promise<void> {
  const writer = stage.generator();
  const records = { bytes: LARGE_RECORD_BYTES };
  const { group } = await writer.call("append", { target: stage.server.append(path), count: 1, records });
  await writer.call("flood", { group, records: bytes / LARGE_RECORD_BYTES });
  await writer.stop();
}
