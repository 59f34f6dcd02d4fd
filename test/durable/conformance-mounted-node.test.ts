import { startScript } from "../fixture/servers.ts";
import { conformance } from "./suite.ts";

conformance("mounted on node", () => startScript("node", "durable-mounted-node.ts"));
