/**
 * Join: a follower that joins at the end of a path that is being appended to. How long until its first byte, and does it
 * matter how much lies before?
 * @module
 */
import { copyFile } from "node:fs/promises";
import { contentFile, LARGE_RECORD_BYTES } from "../content.ts";
import { GENERATOR_CPU, type Load, type Numbers, PEAK_MEMORY, SERVER_CPU } from "../load.ts";
import { inBytes } from "../size.ts";
import type { Cost, Stage } from "../stage.ts";
import { median, percentile } from "../stats.ts";

/** Records a second of the appender: the first byte after joining comes with the next one, half a millisecond later. */
const PER_SECOND = 1000;

/** Bytes of these. */
const RECORDS = { bytes: 100 };

/** Records that are appended while followers join: enough for the slowest. */
const SECONDS = 60;

/** Bytes of the small path. */
const SMALL_BYTES = LARGE_RECORD_BYTES;

/** How often a follower joins before, to warm up. */
const WARM_UP_JOINS = 20;

/** One after the other joins. */
export const JOIN: Load = {
  name: "join",
  title: ({ largeBytes }) => `Followers that join one after the other at the end of ${inBytes(largeBytes)}`,
  metrics: [
    { key: "p50", title: "first byte p50", unit: "ms", better: "less" },
    { key: "p99", title: "first byte p99", unit: "ms", better: "less" },
    { key: "small", title: "p50 of a small path", unit: "ms", better: "less" },
    { key: "ratio", title: "large / small", unit: "×", better: "less" },
    SERVER_CPU,
    GENERATOR_CPU,
    PEAK_MEMORY,
  ],
  goals: [{ metric: "ratio", atMost: 1.25 }],
  needs: ["append", "live"],
  async measure(stage: Stage): Promise<Numbers> {
    const { dataMs: small } = await firstBytes(stage, "small.log", SMALL_BYTES);
    const { dataMs: large, cost } = await firstBytes(stage, "large.log", stage.size.largeBytes);
    const p50 = median(large);
    return { ...cost, p50, p99: percentile(large, 0.99), small: median(small), ratio: p50 / median(small) };
  },
};

async function firstBytes(
  stage: Stage,
  path: string,
  bytes: number,
): Promise<{ dataMs: readonly number[]; cost: Cost }> {
  const { peer, server, size } = stage;
  const [writer, reader] = [stage.generator(), stage.generator()];
  if (server.file) await copyFile(await contentFile(stage.below, bytes), server.file(path));
  else if (peer.abilities.includes("replay")) await fill(stage, path, bytes);
  const { group } = await writer.call("append", { target: server.append(path), count: 1, records: RECORDS });
  const pacing = writer.call("pace", { group, records: SECONDS * PER_SECOND, perSecond: PER_SECOND });
  // It goes on for longer than anybody looks, and ends with the stage.
  pacing.catch(() => {});
  const target = server.follow(path, "now");
  await reader.call("join", { target, times: WARM_UP_JOINS });
  const meter = stage.meter();
  const { dataMs } = await reader.call("join", { target, times: size.joins });
  const cost = meter();
  await writer.stop();
  return { dataMs, cost };
}

/** For those who do not keep paths as files. */
async function fill(stage: Stage, path: string, bytes: number): Promise<void> {
  const writer = stage.generator();
  const records = { bytes: LARGE_RECORD_BYTES };
  const { group } = await writer.call("append", { target: stage.server.append(path), count: 1, records });
  await writer.call("flood", { group, records: bytes / LARGE_RECORD_BYTES });
  await writer.stop();
}
