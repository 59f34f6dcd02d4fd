/**
 * Streams inside a Hono app, on Bun: `bun run examples/hono-bun.ts`
 *
 * In a project of your own, import from "httpfstream" and "httpfstream/bun".
 */
import process from "node:process";
import { Hono } from "hono";
import { fstream } from "../mod.ts";
import { websocket } from "../src/runtime/bun/mod.ts";

const streams = fstream({ root: "./data" });
const app = new Hono();
app.get("/", (c) => c.text("The streams are below /streams/\n"));
app.route("/streams", streams);

// Stores what has arrived, and disconnects appenders and followers cleanly.
process.once("SIGINT", async () => {
  await streams.close();
  process.exit();
});

export default { fetch: app.fetch, websocket, hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 8080) };
