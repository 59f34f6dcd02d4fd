/**
 * All clients may read and follow; appending requires a token: `TOKEN=open-sesame npx tsx examples/with-auth.ts`
 *
 *     echo hello | npm run -s append -- -H 'Authorization: Bearer open-sesame' http://127.0.0.1:8080/streams/a.txt
 *     curl http://127.0.0.1:8080/streams/a.txt
 */
import process from "node:process";
import { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { fstream } from "../mod.ts";
import { serve } from "../src/runtime/node/mod.ts";

const token = process.env["TOKEN"];
if (!token) throw new Error("Set TOKEN to the token that appenders must send.");

const guard = bearerAuth({ token });
const app = new Hono();
app.use("/streams/*", (c, next) => {
  // Looks for the verb as the protocol does: the same two places, in the same order, in any letter case.
  const verb = c.req.header("X-Verb") || c.req.query("verb");
  const reads = ["GET", "HEAD"].includes(c.req.method) && verb?.toUpperCase() !== "APPEND";
  return reads ? next() : guard(c, next);
});
app.route("/streams", fstream({ root: "./data", listings: false }));

const { port } = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 8080) });
console.log(`http://127.0.0.1:${port}/streams/`);
