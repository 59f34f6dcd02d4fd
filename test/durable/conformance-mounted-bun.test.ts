import { startScript } from "../fixture/servers.ts";
import { conformance } from "./suite.ts";

conformance("mounted on bun", () => startScript("bun", "durable-mounted-bun.ts"));
