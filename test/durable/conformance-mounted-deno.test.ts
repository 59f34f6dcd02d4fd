import { startScript } from "../fixture/servers.ts";
import { conformance } from "./suite.ts";

conformance("mounted on deno", () => startScript("deno", "durable-mounted-deno.ts"));
