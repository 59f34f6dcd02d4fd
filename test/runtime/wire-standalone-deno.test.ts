import { after } from "node:test";
import { wireSuite } from "../contract/wire/suite.ts";
import { startStandalone } from "../fixture/servers.ts";

const server = await startStandalone("deno");
after(() => server.stop());
wireSuite({ name: "standalone on Deno", url: server.url });
