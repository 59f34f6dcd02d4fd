import { after } from "node:test";
import { wireSuite } from "../contract/wire/suite.ts";
import { startStandalone } from "../fixture/servers.ts";

const server = await startStandalone("node");
after(() => server.stop());
wireSuite({ name: "standalone on Node", url: server.url });
