import { after } from "node:test";
import { gateSuite } from "../contract/gate/suite.ts";
import { startGated } from "../fixture/gated.ts";
import { expectCleanStop } from "../fixture/servers.ts";

const server = await startGated("deno");
after(() => expectCleanStop(server));
gateSuite({ name: "standalone on Deno", url: server.url, root: server.root });
