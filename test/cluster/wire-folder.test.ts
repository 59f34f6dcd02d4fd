import { wireThroughFolder } from "./wire.ts";

await wireThroughFolder("node");
