/** The store on three NATS servers fulfils the Store contract. */
import { after, test } from "node:test";
import { storeSuite } from "../../src/store/mod.ts";
import { openInstallation } from "../fixture/jetstream.ts";
import { NatsCluster, serverForTests } from "../fixture/nats.ts";

const server = serverForTests();

if ("missing" in server) {
  test("jetstreamStore on three NATS servers", { skip: server.missing }, () => {});
} else {
  const cluster = await NatsCluster.start(server.path, { count: 3 });
  after(() => cluster.stop());
  await storeSuite({ name: "jetstreamStore, three replicas", open: () => openInstallation(cluster), test });
}
