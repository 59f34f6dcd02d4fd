/**
 * Streams inside a Hono app, on Deno: `deno run -A examples/hono-deno.ts`
 *
 * In a project of your own, import from "httpfstream".
 */
import process from "node:process";
import { Hono } from "hono";
import { fstream } from "../mod.ts";

const streams = fstream({ root: "./data" });
const app = new Hono();
app.get("/", (c) => c.text("The streams are below /streams/\n"));
app.route("/streams", streams);

Deno.serve({ hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 8080) }, app.fetch);

// Stores what has arrived, and disconnects appenders and followers cleanly.
process.once("SIGINT", async () => {
  await streams.close();
  process.exit();
});
