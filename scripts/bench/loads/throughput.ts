/** The loads that measure throughput: floods, ingest and catch-up. @module */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { link } from "node:fs/promises";
import { join } from "node:path";
import type { Following } from "../peers/peer.ts";
import { MIB } from "../size.ts";
import { type AppendOptions, contentFile, LARGE_RECORD_BYTES, type Stage, untilStored } from "../stage.ts";
import type { Numbers } from "./load.ts";

/** Milliseconds within which everything must arrive. */
const TIMEOUT_MS = 120_000;
/** The maximum factor by which each warm-up is longer than the last. */
const GROWTH = 8;
/** How many of the paths of small requests are read in the end, and every byte compared. */
const COMPARED = 1000;
/** How often a catch-up reads: a single read is too short for the resolution of the system's processor times. */
const READS = 3;

/** Runs ever more until a run lasts as long as a warm-up, and returns how much lasts as long as a measurement. */
async function warmUp({ size }: Stage, first: number, max: number, run: (amount: number) => Promise<number>) {
  let amount = Math.min(first, max);
  let seconds = await run(amount);
  while (seconds < size.warmSeconds && amount < max) {
    amount = Math.min(max, Math.ceil(amount * Math.min(GROWTH, (1.2 * size.warmSeconds) / seconds)));
    seconds = await run(amount);
  }
  return Math.max(1, Math.min(max, Math.round((amount * size.floodSeconds) / seconds)));
}

/** One appender at full speed and `count` followers: the records per second that all receive, of `least` or more. */
export async function flood(stage: Stage, recordBytes: number, count: number, how: Following = "follow", least = 1) {
  const { size } = stage;
  const appender = await stage.generator().append("flood.log", recordBytes);
  const audience = await stage.generator().follow("flood.log", { recordBytes, count, check: "some" }, how);
  let appended = 0;
  const run = async (records: number): Promise<number> => {
    appended += records;
    await audience.expect(appended * recordBytes);
    const [{ startNs }, { lastNs }] = await Promise.all([appender.flood(records), audience.received(TIMEOUT_MS)]);
    return (lastNs - startNs) / 1e9;
  };
  const max = Math.floor(size.floodBytes / recordBytes);
  const records = Math.max(least, await warmUp(stage, Math.max(100, least), max, run));
  const meter = stage.meter();
  const seconds = await run(records);
  const bytes = records * count * recordBytes;
  return { ...meter(bytes), rate: (records * count) / seconds, throughput: bytes / MIB / seconds };
}

/** The form of the requests. Default: POST of 100 bytes. */
export type Requests = AppendOptions & { readonly recordBytes?: number };

/** Requests of one record each, to `paths` paths in turn, or to as many new paths in each turn: appends per second. */
export async function appends(stage: Stage, paths: number, { recordBytes = 100, ...options }: Requests) {
  const [writer, reader] = [stage.generator(), stage.generator()];
  const { connections, warmAppends, largeBytes } = stage.size;
  const job = { connections, batchBytes: recordBytes, ...options };
  let [path, count, turns, runs] = ["posted-{n}.log", paths, 0, 0];
  const all = options.isNew ? undefined : await writer.append(path, recordBytes, count, job);
  const run = async (amount: number): Promise<number> => {
    if (!all) [path, count] = [`new-${runs++}-{n}.log`, amount * paths];
    turns = all ? turns + amount : 1;
    const appenders = all ?? (await writer.append(path, recordBytes, count, job));
    const { startNs, endNs } = await appenders.flood(all ? amount : 1);
    return (endNs - startNs) / 1e9;
  };
  const max = Math.max(1, Math.floor(largeBytes / recordBytes / paths));
  const amount = await warmUp(stage, Math.ceil(warmAppends / paths), max, run);
  const meter = stage.meter();
  const seconds = await run(amount);
  const bytes = amount * paths * recordBytes;
  const cost = meter(bytes);
  // The reference server has a hundred files open at most.
  const limits = { count: Math.min(COMPARED, count), atOnce: connections, bytes: turns * recordBytes };
  const compared = { ...limits, recordBytes, check: "all" } as const;
  await (await reader.follow(path, compared, "read")).received(TIMEOUT_MS);
  return { ...cost, rate: (amount * paths) / seconds, throughput: bytes / MIB / seconds };
}

/** `count` appenders at full speed without followers: MiB stored per second. */
export async function ingest(stage: Stage, count: number): Promise<Numbers> {
  const appenders = await stage.generator().append("ingest-{n}.log", LARGE_RECORD_BYTES, count);
  let appended = 0;
  const run = async (records: number): Promise<number> => {
    appended += records * LARGE_RECORD_BYTES;
    let { startNs, endNs } = await appenders.flood(records);
    for (let number = 0; number < count; number++) {
      endNs = Math.max(endNs, await untilStored(stage, `ingest-${number}.log`, appended));
    }
    return (endNs - startNs) / 1e9;
  };
  const each = Math.ceil(stage.size.largeBytes / LARGE_RECORD_BYTES / count);
  // The first eighth warms the server up.
  await run(Math.ceil(each / 8));
  const meter = stage.meter();
  const seconds = await run(each);
  const bytes = each * count * LARGE_RECORD_BYTES;
  const cost = meter(bytes);
  // Compares every stored byte, if the peer can be read. Other peers have counted the bytes.
  const { abilities } = stage.peer;
  if (abilities.includes("read") || abilities.includes("replay")) {
    const job = { recordBytes: LARGE_RECORD_BYTES, count, atOnce: 1, bytes: appended, check: "all" } as const;
    const how = abilities.includes("read") ? "read" : "follow";
    await (await stage.generator().follow("ingest-{n}.log", job, how)).received(TIMEOUT_MS);
  }
  return { ...cost, rate: bytes / MIB / seconds };
}

/** One reader of a large stored path, with plain requests or by following it from its first byte: MiB per second. */
export async function catchUp(stage: Stage, how: "read" | "follow"): Promise<Numbers> {
  const path = "large.log";
  const records = Math.ceil(stage.size.largeBytes / LARGE_RECORD_BYTES);
  const bytes = records * LARGE_RECORD_BYTES;
  const [writer, reader] = [stage.generator(), stage.generator()];
  const file = stage.server.file(path);
  if (file) await link(contentFile(stage, bytes), file);
  // A follower over a WebSocket needs an appender, even an idle one.
  if (!file || how === "follow") {
    const appender = await writer.append(path, LARGE_RECORD_BYTES);
    if (!file) await appender.flood(records);
  }
  const read = async (check: "all" | "samples"): Promise<number> => {
    const audience = await reader.follow(path, { recordBytes: LARGE_RECORD_BYTES, bytes, check }, how);
    const { lastNs } = await audience.received(TIMEOUT_MS);
    await audience.drop();
    return (lastNs - audience.connected.startNs) / 1e9;
  };
  // The first read compares every byte and serves as the warm-up. The others are as fast as possible.
  await read("all");
  const meter = stage.meter();
  let seconds = 0;
  for (let time = 0; time < READS; time++) seconds += await read("samples");
  return { ...meter(READS * bytes), rate: (READS * bytes) / MIB / seconds };
}

/**
 * The speed of `cat`: from file to file in place of an ingest, or through a pipe in place of a catch-up, in MiB per
 * second.
 */
export async function copy(stage: Stage, to: "file" | "pipe"): Promise<Numbers> {
  const { largeBytes } = stage.size;
  const command = to === "file" ? 'cat "$0" > "$1"' : 'cat "$0" | cat > /dev/null';
  const files = [contentFile(stage, largeBytes), join(stage.folder, "to")];
  const startMs = performance.now();
  const [status] = await once(spawn("/bin/sh", ["-c", command, ...files], { stdio: "ignore" }), "close");
  const seconds = (performance.now() - startMs) / 1000;
  if (status !== 0) throw new Error(`${command} failed with status ${status}.`);
  return { rate: largeBytes / MIB / seconds };
}
