/**
 * Memory: the server's memory per idle follower, per stalled follower, and its growth over a large append.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Audience } from "../audience.ts";
import { LARGE_RECORD_BYTES } from "../content.ts";
import type { Load, Numbers } from "../load.ts";
import { inBytes } from "../size.ts";
import type { Stage } from "../stage.ts";
import { untilStored } from "../until-stored.ts";
import { peakBytes, resetPeak, residentBytes } from "../usage.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const RECORDS = { bytes: LARGE_RECORD_BYTES };
const PATH = "memory.log";

/** A path without followers. */
const ALONE = "alone.log";

/** Milliseconds within which appended bytes must arrive. */
const TIMEOUT_MS = 600_000;

/** Milliseconds between memory samples, how many similar ones count as settled, and the maximum number of samples. */
const SETTLE_MS = 250;
const SETTLED_LOOKS = 4;
const MOST_LOOKS = 40;

/** How many of the stalled followers resume in the end and must receive everything. All of them would take minutes. */
const WOKEN = 2;

/** The followers of the warm-up: enough to make the server load code, too few to leave much reusable memory. */
const WARM_UP = 20;

/** Memory per idle follower. */
export const IDLE: Load = {
  name: "memory-idle",
  title: ({ idle }) => `Memory of each of ${idle} idle followers`,
  metrics: [
    { key: "each", title: "per follower", unit: "KiB", better: "less" },
    { key: "whole", title: "server", unit: "MiB", better: "less" },
  ],
  goals: [{ metric: "each", atMost: 15 }],
  needs: ["append", "live", "local"],
  everyRuntime: true,
  async measure(stage: Stage): Promise<Numbers> {
    const { server, size } = stage;
    const [writer, reader] = [stage.generator(), stage.generator()];
    const { group } = await writer.call("append", { target: server.append(PATH), count: 1, records: RECORDS });
    const target = server.follow(PATH, "start");
    const job = { target, atOnce: 100, records: RECORDS, purpose: "check", exactEvery: 0 } as const;
    const first = await Audience.connect(reader, { ...job, count: Math.min(WARM_UP, size.idle) });
    await first.drop();
    const before = await settledBytes(server.pids);
    const audience = await Audience.connect(reader, { ...job, count: size.idle });
    const whole = await settledBytes(server.pids);
    // Check that all followers are still served: those that are not would take no memory.
    await audience.expect(RECORDS.bytes);
    await writer.call("flood", { group, records: 1 });
    await audience.received(TIMEOUT_MS);
    return { each: (whole - before) / KIB / size.idle, whole: whole / MIB };
  },
};

/** Memory per stalled follower: the growth of the server's peak while much is appended that they do not read. */
export const STALLED: Load = {
  name: "memory-stalled",
  title: ({ stalled, largeBytes }) => `Memory of each of ${stalled} stalled followers of ${inBytes(largeBytes)}`,
  metrics: [
    { key: "growth", title: "growth per follower", unit: "MiB", better: "less" },
    { key: "each", title: "beyond the append's own", unit: "MiB", better: "less" },
    { key: "whole", title: "peak memory", unit: "MiB", better: "less" },
  ],
  goals: [{ metric: "growth", atMost: 1 }],
  // Both would take minutes for more: nchan's time grows with the square of the bytes pending for a follower.
  shares: { durable: 1 / 64, nchan: 1 / 4 },
  needs: ["append", "live", "local"],
  everyRuntime: true,
  async measure(stage: Stage): Promise<Numbers> {
    const { server, size } = stage;
    const [writer, reader] = [stage.generator(), stage.generator()];
    const records = Math.ceil(size.largeBytes / LARGE_RECORD_BYTES);
    const peakOf = async (path: string, group: number): Promise<number> => {
      resetPeak(server.pids);
      await writer.call("flood", { group, records });
      await untilStored(stage, writer, path, records * LARGE_RECORD_BYTES);
      return peakBytes(server.pids);
    };
    const open = (path: string) => writer.call("append", { target: server.append(path), count: 1, records: RECORDS });
    const alone = await open(ALONE);
    const without = await peakOf(ALONE, alone.group);
    const before = await settledBytes(server.pids);
    // Not earlier: some servers close the connection of an appender that is idle for a few seconds.
    const followed = await open(PATH);
    const stalled = { target: server.follow(PATH, "start"), atOnce: 100, records: RECORDS, purpose: "stall" } as const;
    await Audience.connect(reader, { ...stalled, count: size.stalled - WOKEN });
    const woken = await Audience.connect(reader, { ...stalled, count: WOKEN });
    const peak = await peakOf(PATH, followed.group);
    // Check that stalled followers still get everything: those that were dropped, or lost bytes, would take no memory.
    await woken.expect(records * LARGE_RECORD_BYTES);
    await woken.resume();
    await woken.received(TIMEOUT_MS);
    const share = (bytes: number): number => bytes / MIB / size.stalled;
    return { growth: share(peak - before), each: share(peak - without), whole: peak / MIB };
  },
};

/** The growth of the server while a large amount passes through it, with two followers that read and two that stall. */
export const FLAT: Load = {
  name: "memory-flat",
  title: ({ longBytes }) => `Growth of the server while ${inBytes(longBytes)} go through it`,
  metrics: [
    { key: "growth", title: "growth", unit: "MiB", better: "less" },
    { key: "peakGrowth", title: "growth of the peak", unit: "MiB", better: "less" },
    { key: "whole", title: "peak memory", unit: "MiB", better: "less" },
  ],
  goals: [
    { metric: "growth", atMost: 16 },
    { metric: "peakGrowth", atMost: 32 },
  ],
  needs: ["append", "live", "local"],
  // The other peers keep everything in memory, or would need an hour.
  onlyOurs: true,
  async measure(stage: Stage): Promise<Numbers> {
    const { server, size } = stage;
    const [writer, reader] = [stage.generator(), stage.generator()];
    const { group } = await writer.call("append", { target: server.append(PATH), count: 1, records: RECORDS });
    const job = { target: server.follow(PATH, "start"), atOnce: 10, records: RECORDS } as const;
    const audience = await Audience.connect(reader, { ...job, count: 2, purpose: "check" });
    await Audience.connect(reader, { ...job, count: 2, purpose: "stall" });
    let appended = 0;
    const pass = async (bytes: number): Promise<{ peak: number; settled: number }> => {
      const records = Math.ceil(bytes / LARGE_RECORD_BYTES);
      appended += records * LARGE_RECORD_BYTES;
      await audience.expect(appended);
      resetPeak(server.pids);
      await Promise.all([writer.call("flood", { group, records }), audience.received(TIMEOUT_MS)]);
      return { peak: peakBytes(server.pids), settled: await settledBytes(server.pids) };
    };
    const early = await pass(size.longBytes / 10);
    const late = await pass(size.longBytes - size.longBytes / 10);
    return {
      growth: (late.settled - early.settled) / MIB,
      peakGrowth: (late.peak - early.peak) / MIB,
      whole: Math.max(early.peak, late.peak) / MIB,
    };
  },
};

/** Waits until the resident memory has stopped changing, or for a maximum time, and returns it in bytes. */
async function settledBytes(pids: readonly number[]): Promise<number> {
  let settled = residentBytes(pids);
  let calm = 0;
  for (let looks = 0; calm < SETTLED_LOOKS && looks < MOST_LOOKS; looks++) {
    await sleep(SETTLE_MS);
    const now = residentBytes(pids);
    if (Math.abs(now - settled) <= settled * 0.01) {
      calm++;
    } else {
      calm = 0;
      settled = now;
    }
  }
  return residentBytes(pids);
}
