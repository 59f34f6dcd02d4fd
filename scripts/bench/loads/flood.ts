/**
 * Flood: one appender at full speed and many followers. Measures records received per second by all followers together.
 * @module
 */
import { Audience } from "../audience.ts";
import { GENERATOR_CPU, type Goal, type Load, type Numbers, PEAK_MEMORY, SERVER_COST, SERVER_CPU } from "../load.ts";
import type { Way } from "../peers/peer.ts";
import type { Size } from "../size.ts";
import type { Stage } from "../stage.ts";

/** Milliseconds within which a flood must arrive. */
const TIMEOUT_MS = 120_000;

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** The number of records of the first warm-up. */
const FIRST_RECORDS = 100;

/** The maximum factor by which each warm-up is longer than the previous one. */
const GROWTH = 8;

/** The parameters of a flood. */
export interface FloodKind {
  readonly name: string;
  readonly title: (size: Size) => string;
  readonly recordBytes: number;
  readonly followers: (size: Size) => number;
  readonly everyRuntime: boolean;
  readonly ways: readonly Way[];
  readonly goals: readonly Goal[];
}

/** Creates a flood load. */
export function flood({ name, title, recordBytes, followers, goals, ways, everyRuntime }: FloodKind): Load {
  return {
    name,
    title,
    metrics: [
      { key: "rate", title: "deliveries", unit: "/s", better: "more" },
      { key: "throughput", title: "throughput", unit: "MiB/s", better: "more" },
      SERVER_COST,
      SERVER_CPU,
      GENERATOR_CPU,
      PEAK_MEMORY,
    ],
    goals,
    needs: ["append", "live"],
    ways,
    everyRuntime,
    measure: (stage) => measure(stage, recordBytes, followers(stage.size)),
  };
}

async function measure(stage: Stage, recordBytes: number, count: number): Promise<Numbers> {
  const { server, size } = stage;
  const records = { bytes: recordBytes };
  const [writer, reader] = [stage.generator(), stage.generator()];
  const { group } = await writer.call("append", { target: server.append("flood.log"), count: 1, records });
  const target = server.follow("flood.log", "start");
  const audience = await Audience.connect(reader, { target, count, atOnce: 100, records, purpose: "check" });

  let appended = 0;
  const run = async (more: number): Promise<number> => {
    appended += more;
    await audience.expect(appended * recordBytes);
    const flooded = writer.call("flood", { group, records: more });
    const [{ startNs }, { lastNs }] = await Promise.all([flooded, audience.received(TIMEOUT_MS)]);
    return (lastNs - startNs) / 1e9;
  };

  const most = Math.floor(size.floodBytes / recordBytes);
  let next = Math.min(FIRST_RECORDS, most);
  let seconds = await run(next);
  while (seconds < size.warmSeconds && next < most) {
    const growth = Math.min(GROWTH, (1.2 * size.warmSeconds) / seconds);
    next = Math.min(most, Math.ceil(next * growth));
    seconds = await run(next);
  }
  next = Math.max(1, Math.min(most, Math.round((next * size.floodSeconds) / seconds)));
  const meter = stage.meter();
  seconds = await run(next);
  const cost = meter();
  const rate = (next * count) / seconds;
  const serverCost = cost.serverSeconds / ((next * count * recordBytes) / GIB);
  return { ...cost, rate, throughput: (rate * recordBytes) / MIB, serverCost };
}
