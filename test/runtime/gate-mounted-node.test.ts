import { join } from "node:path";
import { after } from "node:test";
import { gateSuite } from "../contract/gate/suite.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { expectCleanStop, startMounted } from "../fixture/servers.ts";
import { DIFFERENCES } from "./differences.ts";

const server = await startMounted("node");
after(() => expectCleanStop(server));
const url = server.url + MOUNTS.gated;
gateSuite({ name: "mounted on Node", url, root: join(server.root, "gated"), differs: DIFFERENCES.node });
