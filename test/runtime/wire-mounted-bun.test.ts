import { after } from "node:test";
import { wireSuite } from "../contract/wire/suite.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { expectCleanStop, startMounted } from "../fixture/servers.ts";
import { DIFFERENCES } from "./differences.ts";

const server = await startMounted("bun");
after(() => expectCleanStop(server));
wireSuite({ name: "mounted on Bun", url: server.url + MOUNTS.deep, differs: DIFFERENCES.bun });
