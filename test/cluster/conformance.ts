/**
 * The conformance suite of Durable Streams through two servers on one store, which take the connections in turns.
 * @module
 */
import { test } from "node:test";
import { conformance, LONG_POLL_MS } from "../durable/suite.ts";
import { startPair } from "../fixture/cluster-servers.ts";
import { serverForTests } from "../fixture/nats.ts";
import { NatsLab } from "../fixture/nats-lab.ts";
import type { TestServer } from "../fixture/servers.ts";

const TERMS = { runtime: "node", webhooks: true, limits: { longPollMs: LONG_POLL_MS } } as const;

/** Runs the suite in front of three NATS servers. */
export function conformanceThroughNats(): void {
  const server = serverForTests();
  if ("missing" in server) {
    test("the conformance suite of Durable Streams through two servers", { skip: server.missing }, () => {});
    return;
  }
  const start = async (): Promise<TestServer> => {
    const lab = await NatsLab.start(server.path);
    const pair = await startPair({ ...TERMS, store: lab.storeOptions() }).catch(async (error: unknown) => {
      await lab.stop();
      throw error;
    });
    const one = pair.asServer();
    const stop: TestServer["stop"] = async () => {
      const exit = await one.stop();
      await lab.stop();
      return exit;
    };
    return { ...one, stop };
  };
  conformance("two servers in front of three NATS servers", start);
}

/** Runs the suite on one folder. */
export function conformanceThroughFolder(): void {
  const start = async (): Promise<TestServer> => (await startPair(TERMS)).asServer();
  conformance("two servers on one folder", start);
}
