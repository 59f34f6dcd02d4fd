import { wireThroughNats } from "./wire.ts";

await wireThroughNats("deno");
