/** How many reads it takes to find a byte of a path, in layouts that are hard to search. @module */

import { openStore } from "../../src/stores/jetstream/opened.ts";
import { settingsOf } from "../../src/stores/jetstream/options.ts";
import { Locator } from "../../src/stores/jetstream/reads/located.ts";
import type { NatsLab } from "../../test/fixture/nats-lab.ts";
import { Random } from "../chaos/random.ts";

/** Paths whose records are between those of the path that is searched. */
const OTHERS = 20;

/** Records of the path that is searched. */
const RECORDS = 600;

/** How records lie: the size of each, and how many records of other paths come before it. */
const LAYOUTS: Readonly<Record<string, (index: number, random: Random) => { bytes: number; before: number }>> = {
  even: () => ({ bytes: 100, before: 5 }),
  "in bursts far apart": (index) => ({ bytes: 100, before: index % 100 === 0 ? 1_000 : 0 }),
  "small, then large": (index) => ({ bytes: index < RECORDS / 2 ? 10 : 5_000, before: 3 }),
  random: (_index, random) => ({ bytes: random.spread(1, 20_000), before: random.spread(1, 50) - 1 }),
};

/** The mean and the greatest number of reads of all layouts. */
export async function searched(lab: NatsLab, searches: number, round: number): Promise<{ mean: number; most: number }> {
  const opened = await openStore(settingsOf(lab.storeOptions()), async () => false);
  const { core, claims, taps, questions, lease, connection } = opened;
  try {
    const counts: number[] = [];
    for (const [name, layout] of Object.entries(LAYOUTS)) {
      const random = new Random(7).fork(name);
      // One shard has all of them, or there is nothing between the records.
      const folder = `search-${round}/${name}`;
      const shard = core.layout.placeOf(`${folder}/it`).shard;
      const names = Array.from({ length: OTHERS * 4 }, (_, at) => `${folder}/${at}`);
      const beside = names.filter((path) => core.layout.placeOf(path).shard === shard).slice(0, OTHERS);
      const others = await Promise.all(beside.map((path) => claims.claim(path, {})));
      const handle = await claims.claim(`${folder}/it`, {});
      for (let index = 0; index < RECORDS; index++) {
        const { bytes, before } = layout(index, random);
        for (let left = before; left > 0; left -= others.length) {
          await Promise.all(others.slice(0, left).map((other) => other.append(Buffer.from("x"))));
        }
        await handle.append(Buffer.alloc(bytes, "y"));
      }
      const size = handle.offset;
      await Promise.all([handle, ...others].map((held) => held.release("complete")));
      const place = core.layout.placeOf(`${folder}/it`);
      const tail = await core.records.last(place);
      if (!tail) throw new Error(`The path ${place.path} has no record.`);
      const next = core.records.next.bind(core.records);
      let count = 0;
      core.records.next = (...given) => {
        count++;
        return next(...given);
      };
      for (let search = 0; search < searches; search++) {
        count = 0;
        // A new one, which remembers nothing.
        await new Locator(core.records).find(place, random.between(0, size - 1), tail);
        counts.push(count);
      }
      core.records.next = next;
    }
    return { mean: counts.reduce((sum, count) => sum + count, 0) / counts.length, most: Math.max(...counts) };
  } finally {
    await taps.close();
    questions.unsubscribe();
    await lease.end();
    await connection.close();
  }
}
