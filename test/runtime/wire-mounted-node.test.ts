import process from "node:process";
import { after } from "node:test";
import { wireSuite } from "../contract/wire/suite.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { expectCleanStop, startMounted } from "../fixture/servers.ts";
import { DIFFERENCES } from "./differences.ts";

const server = await startMounted("node");
after(() => expectCleanStop(server));
wireSuite({
  name: `mounted on Node ${process.versions.node}`,
  url: server.url + MOUNTS.deep,
  differs: DIFFERENCES.node,
});
