/**
 * The wire suite through two servers on one store: each connection goes to the other server than the one before it.
 * @module
 */
import { after, test } from "node:test";
import { wireSuite } from "../contract/wire/suite.ts";
import type { Target } from "../contract/wire/target.ts";
import { type PairTerms, startPair } from "../fixture/cluster-servers.ts";
import { storeOptions } from "../fixture/jetstream.ts";
import { NatsCluster, serverForTests } from "../fixture/nats.ts";
import { NatsLab } from "../fixture/nats-lab.ts";
import type { Runtime } from "../fixture/processes.ts";
import { IS_SHORT, LEFT_OUT } from "../fixture/short.ts";

/** As `wire-standalone-*.test.ts` start their server. */
const TERMS = { hosts: ["streams.example"], deletes: "all" } as const;

/** What two servers on one folder do differently from one, each with its reason. In front of NATS, nothing differs. */
const FOLDER_DIFFERENCES: NonNullable<Target["differs"]> = {
  "folders elsewhere": "a server knows only of its own appends whether the folders above them are live",
};

/** Runs the suite through two servers in front of three NATS servers, or of one in a shorter version. */
export async function wireThroughNats(runtime: Runtime): Promise<void> {
  const server = serverForTests();
  const three = `two servers on ${runtime}, in front of three NATS servers`;
  if ("missing" in server) {
    test(`the wire contract through ${three}`, { skip: server.missing }, () => {});
    return;
  }
  if (!IS_SHORT) {
    const lab = await NatsLab.start(server.path);
    await wireThrough({ name: three }, { ...TERMS, runtime, store: lab.storeOptions() }, () => lab.stop());
    return;
  }
  test(`the wire contract through ${three}`, { skip: LEFT_OUT }, () => {});
  const cluster = await NatsCluster.start(server.path);
  const name = `two servers on ${runtime}, in front of a NATS server`;
  await wireThrough({ name }, { ...TERMS, runtime, store: storeOptions(cluster) }, () => cluster.stop());
}

/** Runs the suite through two servers on one folder. */
export async function wireThroughFolder(runtime: Runtime): Promise<void> {
  const name = `two servers on ${runtime}, on one folder`;
  await wireThrough({ name, differs: FOLDER_DIFFERENCES }, { ...TERMS, runtime });
}

/** @param stop Stops what is behind the servers, once they have ended. */
async function wireThrough(
  { name, differs = {} }: Omit<Target, "url">,
  terms: PairTerms,
  stop: () => Promise<void> = async () => {},
): Promise<void> {
  const pair = await startPair(terms);
  after(async () => {
    await pair.stop();
    await stop();
  });
  test(`what differs from one server through ${name}`, (t) => {
    const all = Object.entries(differs);
    for (const [difference, reason] of all) t.diagnostic(`${difference}: ${reason}`);
    t.diagnostic(`${all.length} differences`);
  });
  wireSuite({ name, url: pair.proxy.url, differs });
}
