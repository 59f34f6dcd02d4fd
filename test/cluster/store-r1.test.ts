/** The store on one NATS server fulfils the Store contract. */
import { after, test } from "node:test";
import { storeSuite } from "../../src/store/mod.ts";
import { openInstallation } from "../fixture/jetstream.ts";
import { NatsCluster, serverForTests } from "../fixture/nats.ts";

const server = serverForTests();

if ("missing" in server) {
  test("jetstreamStore on one NATS server", { skip: server.missing }, () => {});
} else {
  const cluster = await NatsCluster.start(server.path);
  after(() => cluster.stop());
  await storeSuite({ name: "jetstreamStore", open: () => openInstallation(cluster), test });
}
