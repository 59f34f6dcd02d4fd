/**
 * Peers that run on Node: a bare broadcast with `ws`, a bare file server, and the reference server of Durable Streams.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ROOT } from "../../lib/install.mjs";
import { ServerProcess } from "../server-process.ts";
import { nowhere, type Peer } from "./peer.ts";

/** Matches the URL that a server prints. */
const LISTENS = /(http:\/\/[\w.:[\]]+:\d+)/;

/** Creates the upper bound for Node: a broadcast without storage. */
export function barePeer(): Peer {
  return {
    name: "bare",
    title: "bare ws broadcast, nothing stored",
    version: `ws ${packageVersion("ws")}, Node ${process.versions.node}`,
    runtime: "node",
    abilities: ["append", "live", "local"],
    async start() {
      const server = script("bare-ws.mjs", []);
      const url = await server.printed(LISTENS);
      return {
        pids: server.pids,
        append: (path) => ({ url: `${url}/${path}?verb=APPEND`, dialect: "counted" }),
        follow: (path) => ({ url: `${url}/${path}`, dialect: "frames" }),
        read: (path) => ({ url: `${url}/${path}`, dialect: "body" }),
        stop: () => server.stop(),
      };
    },
  };
}

/** Creates the upper bound for plain reads on Node: a file is read and written to a socket. */
export function bareReadPeer(): Peer {
  return {
    name: "bare-read",
    title: "bare Node, sends files and does nothing else",
    version: `Node ${process.versions.node}`,
    runtime: "node",
    abilities: ["read", "local"],
    async start(folder) {
      const server = script("bare-read.mjs", [folder]);
      const url = await server.printed(LISTENS);
      return {
        pids: server.pids,
        append: nowhere,
        follow: nowhere,
        read: (path) => ({ url: `${url}/${path}`, dialect: "body" }),
        file: (path) => join(folder, path),
        stop: () => server.stop(),
      };
    },
  };
}

/** Creates the peer Durable Streams, which stores in files. */
export function durablePeer(): Peer {
  const version = packageVersion("@durable-streams/server");
  return {
    name: "durable",
    title: "Durable Streams reference server, POST and SSE, flushed to disk",
    version: `@durable-streams/server ${version ?? "?"}, Node ${process.versions.node}`,
    runtime: "node",
    abilities: ["append", "live", "replay", "read", "local"],
    missing: version === undefined ? "@durable-streams/server is not installed: npm ci" : undefined,
    async start(folder) {
      const server = script("durable-streams.mjs", [folder]);
      const url = await server.printed(LISTENS);
      return {
        pids: server.pids,
        append: (path) => ({ url: `${url}/${path}`, dialect: "posts" }),
        follow: (path, from) => ({
          url: `${url}/${path}?live=sse&offset=${from === "now" ? "now" : "-1"}`,
          dialect: "sse",
        }),
        read: (path) => ({ url: `${url}/${path}?offset=-1`, dialect: "body" }),
        stop: () => server.stop(),
      };
    },
  };
}

function script(name: string, args: readonly string[]): ServerProcess {
  const file = fileURLToPath(new URL(`./servers/${name}`, import.meta.url));
  return new ServerProcess(process.execPath, [file, ...args], ROOT);
}

function packageVersion(name: string): string | undefined {
  const file = join(ROOT, "node_modules", name, "package.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version : undefined;
}
