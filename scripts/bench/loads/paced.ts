/**
 * Paced: records with timestamps are appended at a steady rate. Measures their age when followers receive them.
 * @module
 */
import { Audience } from "../audience.ts";
import { Histogram } from "../generator/histogram.ts";
import type { FollowDialect, Target } from "../generator/protocol.ts";
import type { Generator } from "../generator.ts";
import { GENERATOR_CPU, type Goal, type Load, type Numbers, PEAK_MEMORY, SERVER_CPU } from "../load.ts";
import type { Way } from "../peers/peer.ts";
import type { Size } from "../size.ts";
import type { Stage } from "../stage.ts";

/** The size of a record, in bytes. */
const RECORD_BYTES = 100;

/** Milliseconds after the last record within which all records must arrive. */
const PATIENCE_MS = 20_000;

/**
 * The first warm-up, on separate paths. A runtime compiles code that runs once per record only after thousands of
 * records: about a hundred functions, one after the other, each of which keeps a processor busy for a millisecond or
 * more. With two processors this is visible in the latencies. A server that has run for some minutes is past it.
 */
const WARM_PATHS = 20;
const WARM_PER_SECOND = 100;
const WARM_SECONDS = 5;

/** The duration of the second warm-up, as a share of the measurement's. */
const WARM_UP = 0.2;

/**
 * How many followers of a path are timed. They have a separate load generator: one that receives a thousand records at
 * once takes as long as the server does, and would measure itself.
 */
const TIMED = 20;

/** The parameters of a paced load. */
export interface PacedKind {
  readonly name: string;
  readonly title: (size: Size) => string;
  /** The number of paths, with one appender each. */
  readonly paths: (size: Size) => number;
  /** The number of followers per path. */
  readonly followers: (size: Size) => number;
  /** Records per second of each appender. */
  readonly perSecond: number;
  readonly everyRuntime: boolean;
  readonly ways: readonly Way[];
  readonly goals: readonly Goal[];
}

/** Creates a paced load. */
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
  const writer = stage.generator();
  const crowds = { timing: stage.generator(), crowd: stage.generator() };
  await warmUp(stage, writer, crowds.crowd);
  const { group } = await writer.call("append", { target: server.append(path), count: paths, records });
  const { timed, others } = await connect(crowds, server.follow(path, "start"), { paths, followers });

  let appended = 0;
  const run = async (seconds: number): Promise<Histogram> => {
    const more = Math.ceil(seconds * perSecond);
    appended += more;
    await Promise.all([...timed, ...others].map((audience) => audience.expect(appended * RECORD_BYTES)));
    await writer.call("pace", { group, records: more, perSecond });
    await Promise.all(others.map((audience) => audience.received(PATIENCE_MS)));
    const ages = new Histogram();
    for (const audience of timed) ages.addAll((await audience.received(PATIENCE_MS)).ages.pack());
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

/** Warms up the server. The connections stay open, so that nothing is closed during the measurement. */
async function warmUp({ server, size }: Stage, writer: Generator, crowd: Generator): Promise<void> {
  const path = "warm-{n}.log";
  const records = { bytes: RECORD_BYTES };
  const seconds = Math.min(WARM_SECONDS, size.pacedSeconds);
  const each = Math.ceil(seconds * WARM_PER_SECOND);
  const { group } = await writer.call("append", { target: server.append(path), count: WARM_PATHS, records });
  const target = server.follow(path, "start");
  const job = { target, count: WARM_PATHS, atOnce: WARM_PATHS, records, purpose: "check", exactEvery: 0 } as const;
  const audience = await Audience.connect(crowd, { ...job, bytes: each * RECORD_BYTES });
  await writer.call("pace", { group, records: each, perSecond: WARM_PER_SECOND });
  await audience.received(PATIENCE_MS);
}

/** Connects all followers. The timed ones are spread evenly among the others. */
async function connect(
  { timing, crowd }: { timing: Generator; crowd: Generator },
  target: Target<FollowDialect>,
  { paths, followers }: { paths: number; followers: number },
): Promise<{ timed: readonly Audience[]; others: readonly Audience[] }> {
  const job = { target, atOnce: 100, records: { bytes: RECORD_BYTES } } as const;
  if (followers <= TIMED) {
    const all = await Audience.connect(timing, { ...job, count: paths * followers, purpose: "measure" });
    return { timed: [all], others: [] };
  }
  // Records with timestamps differ from the cycle, so only their numbers can be checked.
  const plain = { ...job, purpose: "check", exactEvery: 0 } as const;
  const timed: Audience[] = [];
  const others: Audience[] = [];
  const between = Math.floor((followers - TIMED) / TIMED);
  const rest = followers - TIMED - between * TIMED;
  for (let turn = 0; turn < TIMED; turn++) {
    const count = between + (turn < rest ? 1 : 0);
    if (count > 0) others.push(await Audience.connect(crowd, { ...plain, count }));
    timed.push(await Audience.connect(timing, { ...job, count: 1, purpose: "measure" }));
  }
  return { timed, others };
}
