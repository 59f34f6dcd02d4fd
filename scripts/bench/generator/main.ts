/** The program of a load generator, which executes commands from its IPC channel. It shares no code with src. @module */
import process from "node:process";
import { type Appenders, openAppenders } from "./appenders.ts";
import { type Crowd, openCrowd } from "./crowd.ts";
import type { AppendJob, FollowJob } from "./protocol.ts";

const crowds: Crowd[] = [];
const writers: Appenders[] = [];

/** The commands. Groups of followers and groups of appenders have numbers of their own. */
const COMMANDS = {
  async follow(job: FollowJob) {
    const crowd = openCrowd(job);
    const group = crowds.push(crowd) - 1;
    return { group, ...(await crowd.connect(job.count ?? 1)) };
  },
  more: ({ group, count }: { group: number; count: number }) => known(crowds, group).connect(count),
  expect: ({ group, bytes }: { group: number; bytes: number }) => known(crowds, group).expect(bytes),
  received: ({ group, timeoutMs }: { group: number; timeoutMs: number }) => known(crowds, group).received(timeoutMs),
  resume: ({ group }: { group: number }) => known(crowds, group).resume(),
  drop: ({ group }: { group: number }) => known(crowds, group).drop(),
  async append(job: AppendJob) {
    return { group: writers.push(await openAppenders(job)) - 1 };
  },
  flood: ({ group, records }: { group: number; records: number }) => known(writers, group).flood(records),
  pace({ group, records, perSecond }: { group: number; records: number; perSecond: number }) {
    return known(writers, group).pace(records, perSecond);
  },
};

export type Commands = typeof COMMANDS;

function known<Group>(groups: readonly Group[], group: number): Group {
  const found = groups[group];
  if (!found) throw new Error(`There is no group ${group} of this kind.`);
  return found;
}

// Exit with the benchmark's process.
process.once("disconnect", () => process.exit(0));
process.on("message", async ({ id, name, input }: { id: number; name: keyof Commands; input: unknown }) => {
  const command = COMMANDS[name] as (input: unknown) => unknown;
  try {
    process.send?.({ id, result: await command(input) });
  } catch (error) {
    process.send?.({ id, error: (error as Error).message });
  }
});
