import { after } from "node:test";
import { wireSuite } from "../contract/wire/suite.ts";
import { expectCleanStop, startStandalone } from "../fixture/servers.ts";

const server = await startStandalone("bun", { args: ["--host", "streams.example", "--deletes", "all"] });
after(() => expectCleanStop(server));
wireSuite({ name: "standalone on Bun", url: server.url });
