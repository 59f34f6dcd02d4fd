import { after } from "node:test";
import { gateSuite } from "../contract/gate/suite.ts";
import { startGated } from "../fixture/gated.ts";
import { expectCleanStop } from "../fixture/servers.ts";

const server = await startGated("bun");
after(() => expectCleanStop(server));
gateSuite({ name: "standalone on Bun", url: server.url, root: server.root });
