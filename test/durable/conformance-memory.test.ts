import { startScript } from "../fixture/servers.ts";
import { conformance } from "./suite.ts";

conformance("with a store in memory", () => startScript("node", "durable-server.ts"));
