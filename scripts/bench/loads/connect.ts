/**
 * Connect: a crowd that comes all at once. How long until everybody is served?
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Audience } from "../audience.ts";
import { GENERATOR_CPU, type Load, type Numbers, PEAK_MEMORY, SERVER_CPU } from "../load.ts";
import type { Stage } from "../stage.ts";

const RECORDS = { bytes: 100 };
const PATH = "connect.log";

/** Milliseconds for a server to clear away those who have left. */
const SETTLE_MS = 500;

/** How many connect before, to warm up, for each who is counted. */
const WARM_UP_SHARE = 0.25;

/** Milliseconds until a follower that does not get what is appended counts as lost. */
const TIMEOUT_MS = 30_000;

/** Many at once. */
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
    // What those leave behind is not to be counted to the next ones.
    await sleep(SETTLE_MS);
    const meter = stage.meter();
    const all = await Audience.connect(reader, { ...job, count: size.connecting, atOnce: size.connecting });
    const cost = meter();
    // Whoever gets nothing was not served.
    await all.expect(RECORDS.bytes);
    await writer.call("flood", { group, records: 1 });
    await all.received(TIMEOUT_MS);
    return { ...cost, all: all.connectMs, each: (cost.serverSeconds * 1000) / size.connecting };
  },
};
