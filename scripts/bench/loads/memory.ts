/** The loads that measure memory: per idle and per stalled follower, and its growth over a large append. @module */
import { setTimeout as sleep } from "node:timers/promises";
import { resetPeak, residentBytes } from "../../../test/fixture/descriptors.ts";
import { KIB, MIB } from "../size.ts";
import { LARGE_RECORD_BYTES, type Stage, untilStored } from "../stage.ts";
import type { Numbers } from "./load.ts";

const PATH = "memory.log";
const RECORDS = { recordBytes: LARGE_RECORD_BYTES };
/** Milliseconds within which appended bytes must arrive. */
const TIMEOUT_MS = 600_000;
/** Milliseconds between two measurements of memory, how many similar ones mean that it has settled, and the maximum number. */
const SETTLE = { everyMs: 250, looks: 4, maxLooks: 40 };
/** How many of the stalled followers resume in the end and must receive everything. All of them would take minutes. */
const WOKEN = 2;
/** The followers of a warm-up: enough to make the server load code, too few to leave much reusable memory. */
const WARM_UP = 20;

/** The memory of each idle follower in KiB, and of the server in MiB. */
export async function idle(stage: Stage): Promise<Numbers> {
  const { server, size } = stage;
  const [writer, reader] = [stage.generator(), stage.generator()];
  const appender = await writer.append(PATH, LARGE_RECORD_BYTES);
  const first = await reader.follow(PATH, { ...RECORDS, count: Math.min(WARM_UP, size.idle), check: "samples" });
  await first.drop();
  const before = await settledBytes(server.pids());
  const audience = await reader.follow(PATH, { ...RECORDS, count: size.idle, check: "samples" });
  const whole = await settledBytes(server.pids());
  // Followers that are not served any more would take no memory.
  await audience.expect(LARGE_RECORD_BYTES);
  await appender.flood(1);
  await audience.received(TIMEOUT_MS);
  return { each: (whole - before) / KIB / size.idle, whole: whole / MIB };
}

/** The growth of the server's peak for each stalled follower while much is appended, and the peak itself, in MiB. */
export async function stalled(stage: Stage): Promise<Numbers> {
  const { server, size } = stage;
  const [writer, reader] = [stage.generator(), stage.generator()];
  const records = Math.ceil(size.largeBytes / LARGE_RECORD_BYTES);
  const bytes = records * LARGE_RECORD_BYTES;
  const peakOf = async (path: string, appender: Awaited<ReturnType<typeof writer.append>>): Promise<number> => {
    resetPeak(server.pids());
    await appender.flood(records);
    await untilStored(stage, path, bytes);
    return residentBytes(server.pids(), "VmHWM");
  };
  const without = await peakOf("alone.log", await writer.append("alone.log", LARGE_RECORD_BYTES));
  const before = await settledBytes(server.pids());
  // Not earlier: some servers close the connection of an appender that is idle for a few seconds.
  const followed = await writer.append(PATH, LARGE_RECORD_BYTES);
  await reader.follow(PATH, { ...RECORDS, count: size.stalled - WOKEN, check: "some", stalled: true });
  const woken = await reader.follow(PATH, { ...RECORDS, count: WOKEN, check: "some", stalled: true });
  const peak = await peakOf(PATH, followed);
  // Followers that were dropped, or lost bytes, would take no memory.
  await woken.expect(bytes);
  await woken.resume();
  await woken.received(TIMEOUT_MS);
  const share = (growth: number): number => growth / MIB / size.stalled;
  return { growth: share(peak - before), each: share(peak - without), whole: peak / MIB };
}

/** The growth of the server in MiB while a lot passes through it, with two followers that read and two that stall. */
export async function flat(stage: Stage): Promise<Numbers> {
  const { server, size } = stage;
  const [writer, reader] = [stage.generator(), stage.generator()];
  const appender = await writer.append(PATH, LARGE_RECORD_BYTES);
  const audience = await reader.follow(PATH, { ...RECORDS, count: 2, check: "some" });
  await reader.follow(PATH, { ...RECORDS, count: 2, check: "some", stalled: true });
  let appended = 0;
  const pass = async (bytes: number): Promise<{ peak: number; settled: number }> => {
    const records = Math.ceil(bytes / LARGE_RECORD_BYTES);
    appended += records * LARGE_RECORD_BYTES;
    await audience.expect(appended);
    resetPeak(server.pids());
    await Promise.all([appender.flood(records), audience.received(TIMEOUT_MS)]);
    return { peak: residentBytes(server.pids(), "VmHWM"), settled: await settledBytes(server.pids()) };
  };
  const early = await pass(size.longBytes / 10);
  const late = await pass(size.longBytes - size.longBytes / 10);
  return {
    growth: (late.settled - early.settled) / MIB,
    peakGrowth: (late.peak - early.peak) / MIB,
    whole: Math.max(early.peak, late.peak) / MIB,
  };
}

/** Waits until the resident memory has stopped changing, or for a maximum time, and returns it in bytes. */
async function settledBytes(pids: readonly number[]): Promise<number> {
  let settled = residentBytes(pids);
  for (let looks = 0, calm = 0; calm < SETTLE.looks && looks < SETTLE.maxLooks; looks++) {
    await sleep(SETTLE.everyMs);
    const now = residentBytes(pids);
    const isCalm = Math.abs(now - settled) <= settled * 0.01;
    calm = isCalm ? calm + 1 : 0;
    if (!isCalm) settled = now;
  }
  return residentBytes(pids);
}
