/**
 * The server of the benchmark, in a process of its own: logs below `/logs`, the pages of the other candidates below
 * `/pages`. Started with an IPC channel and the folders of both; sends its URL, and {@link Traffic} when asked for it.
 * @module
 */
import { subscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { basename, extname, join } from "node:path";
import process from "node:process";
import { Hono } from "hono";
import { fstream } from "../../src/fstream.ts";
import { serve } from "../../src/runtime/node/mod.ts";

/** The requests and the sent bytes of the server since it started. */
export interface Traffic {
  readonly requests: number;
  readonly bytes: number;
}

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" };

const [root = "", pages = ""] = process.argv.slice(2);
let requests = 0;
let closedBytes = 0;
const sockets = new Set<Socket>();
subscribe("net.server.socket", (message) => {
  const { socket } = message as { socket: Socket };
  sockets.add(socket);
  socket.once("close", () => {
    sockets.delete(socket);
    closedBytes += socket.bytesWritten;
  });
});

const app = new Hono();
app.use(async (_, next) => {
  requests++;
  await next();
});
app.get("/pages/:name", (c) => {
  const name = basename(c.req.param("name"));
  const headers = { "Content-Type": TYPES[extname(name)] ?? "text/plain", "Cache-Control": "no-store" };
  return c.body(readFileSync(join(pages, name), "utf8"), 200, headers);
});
app.route("/logs", fstream({ root }));
const { port } = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
process.on("message", () => {
  const bytes = [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, closedBytes);
  process.send?.({ requests, bytes } satisfies Traffic);
});
process.on("disconnect", () => process.exit(0));
process.send?.({ url: `http://127.0.0.1:${port}` });
