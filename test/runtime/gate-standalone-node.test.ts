import { after } from "node:test";
import { gateSuite } from "../contract/gate/suite.ts";
import { startGated } from "../fixture/gated.ts";
import { expectCleanStop } from "../fixture/servers.ts";

const server = await startGated("node");
after(() => expectCleanStop(server));
gateSuite({ name: "standalone on Node", url: server.url, root: server.root });
