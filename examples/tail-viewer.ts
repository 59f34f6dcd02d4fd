/**
 * A page that shows a log as it grows: `npx tsx examples/tail-viewer.ts`
 *
 * Append to the log, and open the URL that the example prints, http://127.0.0.1:8080/#/streams/build/42.log
 *
 *     make 2>&1 | npm run -s append -- http://127.0.0.1:8080/streams/build/42.log
 */
import { readFile } from "node:fs/promises";
import process from "node:process";
import { Hono } from "hono";
import { fstream } from "../mod.ts";
import { serve } from "../src/runtime/node/mod.ts";

const app = new Hono();
app.get("/", async (c) => c.html(await readFile(new URL("browser.html", import.meta.url), "utf8")));
app.route("/streams", fstream({ root: "./data" }));

const { port } = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 8080) });
console.log(`http://127.0.0.1:${port}/#/streams/build/42.log`);
