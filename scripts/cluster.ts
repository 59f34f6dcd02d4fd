/**
 * Starts three NATS servers and two servers in front of them, to try a cluster: `npm run cluster`. Options of `serve` may
 * follow: `npm run cluster -- --log-level debug`. Ctrl-C ends everything, and removes what was stored.
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { NatsCluster } from "../test/fixture/nats.ts";
import { ROOT } from "./lib/install.mjs";
import { natsServer } from "./lib/nats-server.ts";

/** How many servers are in front of NATS. */
const SERVERS = 2;

const nats = natsServer();
if (!("path" in nats)) {
  console.error(`There is no nats-server: ${nats.missing}`);
  process.exit(1);
}
console.log(`nats-server ${nats.version} (${nats.path})`);
// Detached: the servers need NATS to release their paths.
const cluster = await NatsCluster.start(nats.path, { count: 3, isDetached: true });
const env = {
  ...process.env,
  HTTPFSTREAM_STORE: cluster.servers.join(),
  HTTPFSTREAM_STORE_MONITOR: cluster.monitors.join(),
  HTTPFSTREAM_REPLICAS: String(cluster.nodes.length),
  HTTPFSTREAM_HTTP: "127.0.0.1:0",
};
for (const [name, value] of Object.entries(env)) if (!(name in process.env)) console.log(`${name}=${value}`);

let isEnding = false;
const servers = Array.from({ length: SERVERS }, start);
// Ctrl-C reaches the servers as well; another signal is passed on.
process.on("SIGINT", () => {
  isEnding = true;
});
process.on("SIGTERM", () => end());
await Promise.all(servers.map((server) => new Promise((resolve) => server.once("exit", resolve))));
await cluster.stop();

function start(): ChildProcess {
  const line = [join(ROOT, "scripts", "run.mjs"), "mod.ts", "serve", ...process.argv.slice(2)];
  const server = spawn(process.execPath, line, { cwd: ROOT, env, stdio: "inherit" });
  // One that can't start ends the others.
  server.once("exit", (code) => {
    if (isEnding) return;
    process.exitCode = code ?? 1;
    end();
  });
  return server;
}

function end(): void {
  isEnding = true;
  for (const server of servers) server.kill();
}
