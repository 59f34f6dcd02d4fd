/**
 * Paced: records come at a steady pace, and each says when it was made. How old is it when a follower has it?
 * @module
 */
import { Audience } from "../audience.ts";
import type { Histogram } from "../generator/histogram.ts";
import { GENERATOR_CPU, type Goal, type Load, type Numbers, PEAK_MEMORY, SERVER_CPU } from "../load.ts";
import type { Way } from "../peers/peer.ts";
import type { Size } from "../size.ts";
import type { Stage } from "../stage.ts";

/** Bytes of a record. */
const RECORD_BYTES = 100;

/** Milliseconds beyond the pace's own time until records count as lost. */
const PATIENCE_MS = 20_000;

/** Seconds of the warm-up, for each second of the measurement. */
const WARM_UP = 0.4;

/** Who appends to what, how fast, and who follows. */
export interface PacedKind {
  readonly name: string;
  readonly title: (size: Size) => string;
  /** Paths, each with an appender. */
  readonly paths: (size: Size) => number;
  /** Followers of each path. */
  readonly followers: (size: Size) => number;
  /** Records a second of each appender. */
  readonly perSecond: number;
  readonly everyRuntime: boolean;
  readonly ways: readonly Way[];
  readonly goals: readonly Goal[];
}

/** A paced load. */
export function paced(kind: PacedKind): Load {
  return {
    name: kind.name,
    title: kind.title,
    metrics: [
      { key: "p99", title: "p99", unit: "ms", better: "less" },
      { key: "p50", title: "p50", unit: "ms", better: "less" },
      { key: "p999", title: "p99.9", unit: "ms", better: "less" },
      SERVER_CPU,
      GENERATOR_CPU,
      PEAK_MEMORY,
    ],
    goals: kind.goals,
    needs: ["append", "live"],
    ways: kind.ways,
    everyRuntime: kind.everyRuntime,
    measure: (stage) => measure(stage, kind),
  };
}

async function measure(stage: Stage, kind: PacedKind): Promise<Numbers> {
  const { server, size } = stage;
  const { perSecond } = kind;
  const paths = kind.paths(size);
  const followers = kind.followers(size);
  const path = paths === 1 ? "paced.log" : "paced-{n}.log";
  const records = { bytes: RECORD_BYTES };
  const [writer, reader] = [stage.generator(), stage.generator()];
  const { group } = await writer.call("append", { target: server.append(path), count: paths, records });
  const target = server.follow(path, "start");
  const count = paths * followers;
  const audience = await Audience.connect(reader, { target, count, atOnce: 100, records, purpose: "measure" });

  let appended = 0;
  const run = async (seconds: number): Promise<Histogram> => {
    const more = Math.ceil(seconds * perSecond);
    appended += more;
    await audience.expect(appended * RECORD_BYTES);
    const paced = writer.call("pace", { group, records: more, perSecond });
    const [, { ages }] = await Promise.all([paced, audience.received(seconds * 1000 + PATIENCE_MS)]);
    return ages;
  };

  await run(size.pacedSeconds * WARM_UP);
  const meter = stage.meter();
  const ages = await run(size.pacedSeconds);
  const cost = meter();
  return {
    p50: ages.percentileMs(0.5),
    p99: ages.percentileMs(0.99),
    p999: ages.percentileMs(0.999),
    ...cost,
  };
}
