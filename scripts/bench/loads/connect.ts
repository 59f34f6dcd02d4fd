/**
 * Connect: a crowd that comes all at once. How long until everybody is served?
 * @module
 */
import { Audience } from "../audience.ts";
import { GENERATOR_CPU, type Load, type Numbers, SERVER_CPU } from "../load.ts";
import type { Stage } from "../stage.ts";

const RECORDS = { bytes: 100 };
const PATH = "connect.log";

/** How many connect before, to warm up, for each who is counted. */
const WARM_UP_SHARE = 0.25;

/** Many at once. */
export const CONNECT: Load = {
  name: "connect",
  title: ({ connecting }) => `${connecting} followers that connect at once`,
  metrics: [
    { key: "all", title: "until all are served", unit: "ms", better: "less" },
    { key: "each", title: "server CPU each", unit: "ms", better: "less" },
    SERVER_CPU,
    GENERATOR_CPU,
  ],
  goals: [{ metric: "all", against: "bare", atMost: 2 }],
  needs: ["append", "live"],
  async measure(stage: Stage): Promise<Numbers> {
    const { server, size } = stage;
    await stage.generator().call("append", { target: server.append(PATH), count: 1, records: RECORDS });
    const reader = stage.generator();
    const job = { target: server.follow(PATH, "start"), records: RECORDS, purpose: "check" } as const;
    const first = Math.ceil(size.connecting * WARM_UP_SHARE);
    await (await Audience.connect(reader, { ...job, count: first, atOnce: first })).drop();
    const meter = stage.meter();
    const all = await Audience.connect(reader, { ...job, count: size.connecting, atOnce: size.connecting });
    const cost = meter();
    return { ...cost, all: all.connectMs, each: (cost.serverSeconds * 1000) / size.connecting };
  },
};
