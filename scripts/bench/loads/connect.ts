/**
 * Connect: the time until all of many followers that connect at once are served.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Audience } from "../audience.ts";
import { GENERATOR_CPU, type Load, type Numbers, PEAK_MEMORY, SERVER_CPU } from "../load.ts";
import type { Stage } from "../stage.ts";

const RECORDS = { bytes: 100 };
const PATH = "connect.log";

/** Milliseconds for a server to clean up after followers that have left. */
const SETTLE_MS = 500;

/** The number of followers in the warm-up, as a share of those that are measured. */
const WARM_UP_SHARE = 0.25;

/** Milliseconds within which every follower must receive what is appended. */
const TIMEOUT_MS = 30_000;

/** The load. */
export const CONNECT: Load = {
  name: "connect",
  title: ({ connecting }) => `${connecting} followers that connect at once`,
  metrics: [
    { key: "all", title: "until all are served", unit: "ms", better: "less" },
    { key: "each", title: "server CPU each", unit: "ms", better: "less" },
    SERVER_CPU,
    GENERATOR_CPU,
    PEAK_MEMORY,
  ],
  goals: [{ metric: "all", against: "bare", atMost: 2 }],
  needs: ["append", "live"],
  async measure(stage: Stage): Promise<Numbers> {
    const { server, size } = stage;
    const [writer, reader] = [stage.generator(), stage.generator()];
    const { group } = await writer.call("append", { target: server.append(PATH), count: 1, records: RECORDS });
    const job = { target: server.follow(PATH, "start"), records: RECORDS, purpose: "check" } as const;
    const first = Math.ceil(size.connecting * WARM_UP_SHARE);
    const before = await Audience.connect(reader, { ...job, count: first, atOnce: first });
    await before.drop();
    // The cleanup after the warm-up must not count.
    await sleep(SETTLE_MS);
    const meter = stage.meter();
    const all = await Audience.connect(reader, { ...job, count: size.connecting, atOnce: size.connecting });
    const cost = meter();
    // A follower that receives nothing was not served.
    await all.expect(RECORDS.bytes);
    await writer.call("flood", { group, records: 1 });
    await all.received(TIMEOUT_MS);
    return { ...cost, all: all.connectMs, each: (cost.serverSeconds * 1000) / size.connecting };
  },
};
