/**
 * Streams inside a Hono app, on Node: `npx tsx examples/hono-node.ts`
 *
 * In a project of your own, import from "httpfstream" and "httpfstream/node".
 */
import process from "node:process";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { fstream } from "../mod.ts";
import { injectWebSocket } from "../src/runtime/node/mod.ts";

const streams = fstream({ root: "./data" });
const app = new Hono();
app.get("/", (c) => c.text("The streams are below /streams/\n"));
app.route("/streams", streams);

const server = serve(
  {
    fetch: app.fetch,
    hostname: "127.0.0.1",
    port: Number(process.env["PORT"] ?? 8080),
    // By default, Node ends an upload after five minutes.
    serverOptions: { requestTimeout: 0 },
  },
  ({ port }) => console.log(`http://127.0.0.1:${port}/streams/`),
);
injectWebSocket(server, app);

// Stores what has arrived, and disconnects appenders and followers cleanly.
process.once("SIGINT", async () => {
  await streams.close();
  process.exit();
});
