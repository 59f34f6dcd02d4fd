/**
 * Catch-up: the throughput of one reader of a large stored path.
 * @module
 */
import { link } from "node:fs/promises";
import { Audience } from "../audience.ts";
import { contentFile, LARGE_RECORD_BYTES, LARGE_SHARES } from "../content.ts";
import { secondsOfCat } from "../copy.ts";
import type { FollowDialect, Target } from "../generator/protocol.ts";
import type { Generator } from "../generator.ts";
import { GENERATOR_CPU, type Goal, type Load, type Numbers, PEAK_MEMORY, SERVER_COST, SERVER_CPU } from "../load.ts";
import type { Size } from "../size.ts";
import type { Stage } from "../stage.ts";

const MIB = 1024 * 1024;
const RECORDS = { bytes: LARGE_RECORD_BYTES };
const PATH = "large.log";

/** How often the path is read: a single read is too short for the resolution of the system's processor times. */
const READS = 3;

/** Milliseconds after which a read that has not ended fails. */
const TIMEOUT_MS = 120_000;

/** How the path is read: with a plain request, or by following it from its first byte. */
export type Reading = "http" | "follow";

/** The parameters of a catch-up. */
export interface CatchUpKind {
  readonly name: string;
  readonly title: (size: Size) => string;
  readonly reading: Reading;
  readonly goals: readonly Goal[];
}

/** Creates a catch-up load. */
export function catchUp({ name, title, reading, goals }: CatchUpKind): Load {
  return {
    name,
    title,
    metrics: [
      { key: "rate", title: "read", unit: "MiB/s", better: "more" },
      SERVER_COST,
      SERVER_CPU,
      GENERATOR_CPU,
      PEAK_MEMORY,
    ],
    goals,
    shares: LARGE_SHARES,
    needs: [reading === "http" ? "read" : "replay"],
    everyRuntime: true,
    // The WebSocket protocol makes no difference to a plain read.
    ways: reading === "http" ? ["v1"] : ["v1", "classic"],
    compareWithCopy: true,
    measure: (stage) => measure(stage, reading),
  };
}

async function measure(stage: Stage, reading: Reading): Promise<Numbers> {
  const { peer, server, size } = stage;
  if (peer.abilities.includes("copy")) return copy(stage);
  const bytes = Math.ceil(size.largeBytes / LARGE_RECORD_BYTES) * LARGE_RECORD_BYTES;
  const [writer, reader] = [stage.generator(), stage.generator()];
  if (server.file) await place(stage, server.file(PATH), bytes);
  // A follower over a WebSocket needs an appender, even an idle one.
  if (!server.file || reading === "follow") {
    const { group } = await writer.call("append", { target: server.append(PATH), count: 1, records: RECORDS });
    if (!server.file) await writer.call("flood", { group, records: bytes / LARGE_RECORD_BYTES });
  }
  const target = reading === "http" ? server.read(PATH) : server.follow(PATH, "start");
  // The first reader compares every byte and serves as the warm-up; the others read as fast as possible.
  await secondsToRead(reader, target, bytes, 1);
  const meter = stage.meter();
  let seconds = 0;
  for (let read = 0; read < READS; read++) seconds += await secondsToRead(reader, target, bytes, 0);
  const cost = meter();
  const mib = (READS * bytes) / MIB;
  return { ...cost, rate: mib / seconds, serverCost: cost.serverSeconds / (mib / 1024) };
}

async function secondsToRead(
  reader: Generator,
  target: Target<FollowDialect>,
  bytes: number,
  exactEvery: 0 | 1,
): Promise<number> {
  const job = { target, count: 1, atOnce: 1, records: RECORDS, bytes, purpose: "check", exactEvery } as const;
  const audience = await Audience.connect(reader, job);
  const { lastNs } = await audience.received(TIMEOUT_MS);
  await audience.drop();
  return (lastNs - audience.firstNs) / 1e9;
}

async function place({ below }: Stage, file: string, bytes: number): Promise<void> {
  await link(await contentFile(below, bytes), file);
}

async function copy({ below, size }: Stage): Promise<Numbers> {
  return { rate: size.largeBytes / MIB / (await secondsOfCat(await contentFile(below, size.largeBytes))) };
}
