/**
 * Two peers with nginx: nchan as a message broker, and `sendfile` as a file server.
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { ServerProcess } from "../server-process.ts";
import { nowhere, type Peer } from "./peer.ts";

const PROGRAM = "/usr/sbin/nginx";
const NCHAN = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/** How often to check whether nginx is ready, and the milliseconds between two checks. */
const TRIES = 200;
const TRY_EVERY_MS = 25;

/** Creates the peer nchan. It has one worker, as all other peers use one thread for the network. */
export function nchanPeer(): Peer {
  return {
    name: "nchan",
    title: "nchan, messages kept in memory",
    version: `nginx ${nginxVersion()}, libnginx-mod-nchan ${packageVersion("libnginx-mod-nchan")}`,
    runtime: "native",
    abilities: ["append", "live", "replay", "local"],
    missing:
      existsSync(PROGRAM) && existsSync(NCHAN)
        ? undefined
        : "nchan is not installed: apt-get install nginx libnginx-mod-nchan",
    async start(folder) {
      const { process, port } = await startNginx(folder, NCHAN_SERVER, NCHAN_SETTINGS);
      const url = `http://127.0.0.1:${port}`;
      return {
        pids: process.pids,
        append: (path) => ({ url: `${url}/append/${path}`, dialect: "replies" }),
        follow: (path, from) => ({ url: `${url}/${from}/${path}`, dialect: "frames" }),
        read: (path) => ({ url: `${url}/${path}`, dialect: "body" }),
        stop: () => process.stop(),
      };
    },
  };
}

/** Creates the peer nginx as a file server. */
export function sendfilePeer(): Peer {
  return {
    name: "sendfile",
    title: "nginx with sendfile",
    version: `nginx ${nginxVersion()}`,
    runtime: "native",
    abilities: ["read", "local"],
    missing: existsSync(PROGRAM) ? undefined : "nginx is not installed: apt-get install nginx",
    async start(folder) {
      const files = join(folder, "files");
      await mkdir(files);
      const { process, port } = await startNginx(folder, `root ${files}; sendfile on; tcp_nopush on;`);
      return {
        pids: process.pids,
        append: nowhere,
        follow: nowhere,
        read: (path) => ({ url: `http://127.0.0.1:${port}/${path}`, dialect: "body" }),
        file: (path) => join(files, path),
        stop: () => process.stop(),
      };
    },
  };
}

/** nchan keeps all messages, because results with lost messages would not be comparable. */
const NCHAN_SERVER = `
    nchan_message_buffer_length 4000000;
    nchan_message_timeout 0;
    client_max_body_size 16m;
    location ~ ^/append/(.+)$ { nchan_publisher websocket; nchan_channel_id $1; }
    location ~ ^/start/(.+)$ { nchan_subscriber websocket; nchan_channel_id $1; nchan_subscriber_first_message oldest; }
    location ~ ^/now/(.+)$ { nchan_subscriber websocket; nchan_channel_id $1; nchan_subscriber_first_message newest; }`;

const NCHAN_SETTINGS = { head: `load_module ${NCHAN};`, http: "nchan_shared_memory_size 4096m;" };

async function startNginx(
  folder: string,
  server: string,
  { head, http } = { head: "", http: "" },
): Promise<{ process: ServerProcess; port: number }> {
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(" ");
  const file = join(folder, "nginx.conf");
  await writeFile(
    file,
    `${head}
daemon off;
worker_processes 1;
user ${process.getuid?.() === 0 ? "root" : "nobody"};
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
worker_rlimit_nofile 16000;
events { worker_connections 12000; }
http {
  access_log off;
  ${temporary}
  ${http}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    ${server}
  }
}
`,
  );
  const program = new ServerProcess(PROGRAM, ["-c", file, "-p", folder, "-e", join(folder, "error.log")]);
  try {
    await until("nginx to listen", () => accepts(port));
    // The master listens before its worker runs, and the worker must be measured.
    await until("nginx to have a worker", async () => program.pids.length > 1);
    return { process: program, port };
  } catch (error) {
    await program.stop();
    throw error;
  }
}

/** Returns a free port, because nginx can't choose one. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (await isSo()) return;
    await sleep(TRY_EVERY_MS);
  }
  throw new Error(`Waited too long for ${what}.`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function nginxVersion(): string {
  const { stderr } = spawnSync(PROGRAM, ["-v"], { encoding: "utf8" });
  return /nginx\/([\d.]+)/.exec(stderr ?? "")?.[1] ?? "?";
}

function packageVersion(name: string): string {
  const { stdout } = spawnSync("dpkg-query", ["--show", name], { encoding: "utf8" });
  return stdout?.trim().split("\t")[1] ?? "?";
}
