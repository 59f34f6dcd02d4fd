/**
 * Memory: what an idle follower takes, what a stalled one does, and whether the server grows while much goes through.
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

/** A path that nobody follows. */
const ALONE = "alone.log";

/** Milliseconds until what does not arrive counts as lost. */
const TIMEOUT_MS = 600_000;

/** Milliseconds between looks at the memory, how many must show the same until it counts as settled, and the most of them. */
const SETTLE_MS = 250;
const SETTLED_LOOKS = 4;
const MOST_LOOKS = 40;

/** How many of the stalled followers read on in the end, and must get everything: all of them would take minutes. */
const WOKEN = 2;

/** How many followers come and go before: enough for what a server loads once, too few to leave much for the next ones. */
const WARM_UP = 20;

/** Idle followers: memory of each. */
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
    // Whoever is not served any more takes no memory, either.
    await audience.expect(RECORDS.bytes);
    await writer.call("flood", { group, records: 1 });
    await audience.received(TIMEOUT_MS);
    return { each: (whole - before) / KIB / size.idle, whole: whole / MIB };
  },
};

/** Stalled followers: what the server takes more while much is appended that they do not read. */
export const STALLED: Load = {
  name: "memory-stalled",
  title: ({ stalled, largeBytes }) => `Memory of each of ${stalled} stalled followers of ${inBytes(largeBytes)}`,
  metrics: [
    { key: "growth", title: "growth per follower", unit: "MiB", better: "less" },
    { key: "each", title: "beyond the append's own", unit: "MiB", better: "less" },
    { key: "whole", title: "peak memory", unit: "MiB", better: "less" },
  ],
  goals: [{ metric: "growth", atMost: 1 }],
  // Both take minutes for more: nchan's time grows with the square of what waits for one follower.
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
    // Only now: some servers close the connection of an appender that says nothing for a few seconds.
    const followed = await open(PATH);
    const stalled = { target: server.follow(PATH, "start"), atOnce: 100, records: RECORDS, purpose: "stall" } as const;
    await Audience.connect(reader, { ...stalled, count: size.stalled - WOKEN });
    const woken = await Audience.connect(reader, { ...stalled, count: WOKEN });
    const peak = await peakOf(PATH, followed.group);
    // Whoever was let go, or lost something, takes no memory, either.
    await woken.expect(records * LARGE_RECORD_BYTES);
    await woken.resume();
    await woken.received(TIMEOUT_MS);
    const share = (bytes: number): number => bytes / MIB / size.stalled;
    return { growth: share(peak - before), each: share(peak - without), whole: peak / MIB };
  },
};

/** Does the server grow while very much goes through, with a few who read and a few who do not? */
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
  // The others keep everything in memory, or would need an hour.
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

/** The memory in use when it has stopped to shrink and to grow, or does not for long. */
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
