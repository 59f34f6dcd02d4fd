/**
 * The program of a load generator. It executes the benchmark's commands, which arrive over its IPC channel, against any
 * URL. It shares no code with the server.
 * @module
 */
import process from "node:process";
import { Appenders } from "./appenders.ts";
import { Crowd } from "./crowd.ts";
import { join } from "./join.ts";
import type { CommandMessage, Commands, ResultMessage } from "./protocol.ts";
import { stored } from "./stored.ts";
import { urlOf } from "./url-of.ts";

type Handlers = {
  readonly [Name in keyof Commands]: (
    input: Parameters<Commands[Name]>[0],
  ) => Promise<ReturnType<Commands[Name]>> | ReturnType<Commands[Name]>;
};

const crowds = new Map<number, Crowd>();
const writers = new Map<number, Appenders>();
let lastGroup = 0;

const handlers: Handlers = {
  async follow(job) {
    const group = ++lastGroup;
    const crowd = new Crowd(job);
    crowds.set(group, crowd);
    return { group, ...(await crowd.connect()) };
  },
  expect({ group, bytes }) {
    known(crowds, group).expect(bytes);
    return null;
  },
  received: ({ group, timeoutMs }) => known(crowds, group).received(timeoutMs),
  async append(job) {
    const group = ++lastGroup;
    const appenders = new Appenders(job);
    writers.set(group, appenders);
    return { group, ...(await appenders.connect()) };
  },
  flood: ({ group, records }) => known(writers, group).flood(records),
  pace: ({ group, records, perSecond }) => known(writers, group).pace(records, perSecond),
  async end({ group }) {
    await known(writers, group).end();
    return null;
  },
  resume({ group }) {
    known(crowds, group).resume();
    return null;
  },
  drop({ group }) {
    crowds.get(group)?.drop();
    writers.get(group)?.drop();
    crowds.delete(group);
    writers.delete(group);
    return null;
  },
  join: ({ target, times }) => join(target, times),
  stored: async ({ url, bytes, timeoutMs }) => ({ atNs: await stored(urlOf(url, 0), bytes, timeoutMs) }),
};

// Exit with the benchmark's process.
process.once("disconnect", () => process.exit(0));
process.on("message", ({ id, name, input }: CommandMessage) => {
  const handler = handlers[name] as (input: unknown) => unknown;
  void Promise.resolve()
    .then(() => handler(input))
    .then(
      (result) => reply({ id, result }),
      (error: Error) => reply({ id, error: error.message }),
    );
});

function reply(message: ResultMessage): void {
  process.send?.(message);
}

function known<Group>(groups: ReadonlyMap<number, Group>, group: number): Group {
  const found = groups.get(group);
  if (!found) throw new Error(`There is no group ${group} of this kind.`);
  return found;
}
