/**
 * Ingest: appenders at full speed without followers. Measures bytes stored per second.
 * @module
 */
import { join } from "node:path";
import { Audience } from "../audience.ts";
import { contentFile, LARGE_RECORD_BYTES, LARGE_SHARES } from "../content.ts";
import { secondsOfCat } from "../copy.ts";
import { nowNs } from "../generator/clock.ts";
import { GENERATOR_CPU, type Goal, type Load, type Numbers, PEAK_MEMORY, SERVER_COST, SERVER_CPU } from "../load.ts";
import type { Size } from "../size.ts";
import type { Stage } from "../stage.ts";
import { untilStored } from "../until-stored.ts";

const MIB = 1024 * 1024;
const RECORDS = { bytes: LARGE_RECORD_BYTES };

/** Milliseconds after which a read that has not ended fails. */
const TIMEOUT_MS = 120_000;

/** The share of the whole that is appended as a warm-up. */
const WARM_UP = 1 / 8;

/** The parameters of an ingest. */
export interface IngestKind {
  readonly name: string;
  readonly title: (size: Size) => string;
  readonly appenders: (size: Size) => number;
  readonly goals: readonly Goal[];
}

/** Creates an ingest load with one or many appenders. */
export function ingest({ name, title, appenders, goals }: IngestKind): Load {
  return {
    name,
    title,
    metrics: [
      { key: "rate", title: "stored", unit: "MiB/s", better: "more" },
      SERVER_COST,
      SERVER_CPU,
      GENERATOR_CPU,
      PEAK_MEMORY,
    ],
    goals,
    shares: LARGE_SHARES,
    needs: ["append"],
    compareWithCopy: true,
    measure: (stage) => measure(stage, appenders(stage.size)),
  };
}

async function measure(stage: Stage, count: number): Promise<Numbers> {
  if (stage.peer.abilities.includes("copy")) return copy(stage);
  const { server, size } = stage;
  const writer = stage.generator();
  const target = server.append("ingest-{n}.log");
  const each = Math.ceil(size.largeBytes / LARGE_RECORD_BYTES / count);
  const warm = Math.ceil(each * WARM_UP);
  const { group } = await writer.call("append", { target, count, records: RECORDS });

  const stored = async (records: number, endNs: number): Promise<number> => {
    if (target.dialect !== "frames") return endNs;
    const bytes = records * LARGE_RECORD_BYTES;
    for (let number = 0; number < count; number++) await untilStored(stage, writer, `ingest-${number}.log`, bytes);
    return nowNs();
  };

  const { endNs: warmNs } = await writer.call("flood", { group, records: warm });
  await stored(warm, warmNs);
  const meter = stage.meter();
  const { startNs, endNs } = await writer.call("flood", { group, records: each });
  const lastNs = await stored(warm + each, endNs);
  const cost = meter();
  await verify(stage, count, (warm + each) * LARGE_RECORD_BYTES);
  const mib = (each * count * LARGE_RECORD_BYTES) / MIB;
  return { ...cost, rate: mib / ((lastNs - startNs) / 1e9), serverCost: cost.serverSeconds / (mib / 1024) };
}

/** Compares every stored byte with what was appended, if the peer can be read. Other peers have counted the bytes. */
async function verify(stage: Stage, count: number, bytes: number): Promise<void> {
  const { peer, server } = stage;
  const path = "ingest-{n}.log";
  const { abilities } = peer;
  if (!abilities.includes("read") && !abilities.includes("replay")) return;
  const target = abilities.includes("read") ? server.read(path) : server.follow(path, "start");
  const job = { target, count, atOnce: 1, records: RECORDS, bytes, purpose: "check", exactEvery: 1 } as const;
  const audience = await Audience.connect(stage.generator(), job);
  await audience.received(TIMEOUT_MS);
}

async function copy({ below, folder, size }: Stage): Promise<Numbers> {
  const from = await contentFile(below, size.largeBytes);
  return { rate: size.largeBytes / MIB / (await secondsOfCat(from, join(folder, "to"))) };
}
