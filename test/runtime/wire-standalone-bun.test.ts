import { after } from "node:test";
import { wireSuite } from "../contract/wire/suite.ts";
import { expectCleanStop, startStandalone } from "../fixture/servers.ts";

const server = await startStandalone("bun");
after(() => expectCleanStop(server));
const differs = {
  "late close": "Bun's own `ws` tells of a close when the connection has gone, not when its frame has come",
};
wireSuite({ name: "standalone on Bun", url: server.url, differs });
