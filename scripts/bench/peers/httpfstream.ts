/**
 * The measured peers: the standalone server, on each runtime, with each way of talking to it.
 * @module
 */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "../../lib/install.mjs";
import type { AppendDialect, FollowDialect } from "../generator/protocol.ts";
import { ServerProcess } from "../server-process.ts";
import type { Peer, Server, Way } from "./peer.ts";

/** The runtimes of the server. */
export const RUNTIMES = ["node", "deno", "bun"] as const;

/** One of {@link RUNTIMES}. */
export type Runtime = (typeof RUNTIMES)[number];

/** A way of talking to the server, and its dialects. */
interface Manner {
  readonly way: Way;
  readonly suffix: string;
  readonly title: string;
  readonly append: AppendDialect;
  readonly follow: FollowDialect;
}

const MANNERS: readonly Manner[] = [
  { way: "v1", suffix: "", title: "v1", append: "v1", follow: "v1" },
  { way: "classic", suffix: "-classic", title: "classic", append: "frames", follow: "frames" },
  { way: "http", suffix: "-http", title: "followers over HTTP", append: "v1", follow: "body" },
];

/**
 * Creates a peer per runtime and way.
 *
 * @param program The compiled `mod.js`.
 * @param profile A folder for CPU profiles of the server on Node. Default: none are written.
 */
export function httpfstreamPeers(program: string, profile?: string): Peer[] {
  const profiling = profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profile];
  return RUNTIMES.flatMap((runtime) => {
    const version = versionOf(runtime);
    const missing = version === undefined ? `${runtime} is not installed: npm ci` : undefined;
    return MANNERS.map((manner) => ({
      ...described(manner, runtime, version ?? "?"),
      missing,
      async start(folder) {
        const server = startServer(runtime, [...profiling, program], folder);
        const url = await server.printed(/(http:\/\/[\w.:[\]]+:\d+)/);
        const file = (path: string): string => join(folder, path);
        return { ...endpoints(url, manner), file, pids: server.pids, stop: () => server.stop() };
      },
    }));
  });
}

/** Creates the peers of another build on Node, to compare with. */
export function otherPeers(program: string): Peer[] {
  return httpfstreamPeers(program)
    .filter(({ runtime }) => runtime === "node")
    .map((peer) => ({ ...peer, name: peer.name.replace("httpfstream", "other"), title: program, isReference: true }));
}

/** Creates the peers of a running server, on this or another machine. */
export function runningPeers(url: string): Peer[] {
  return MANNERS.map((manner) => ({
    ...described(manner, "node", url),
    name: `running${manner.suffix}`,
    title: `the server that runs already, ${manner.title}`,
    abilities: ["append", "live", "replay", "read"],
    // The server may have been measured before, so each measurement uses new paths.
    async start() {
      const folder = `${url.replace(/\/$/, "")}/bench-${randomUUID()}`;
      return { ...endpoints(folder, manner), pids: [], stop: async () => {} };
    },
  }));
}

function described({ way, suffix, title }: Manner, runtime: Runtime, version: string): Omit<Peer, "start"> {
  return {
    name: `httpfstream${runtime === "node" ? "" : `-${runtime}`}${suffix}`,
    title: `httpfstream, ${title}`,
    version,
    runtime,
    way,
    abilities: ["append", "live", "replay", "read", "local"],
  };
}

function endpoints(url: string, manner: Manner): Pick<Server, "append" | "follow" | "read"> {
  return {
    append: (path) => ({ url: `${url}/${path}?verb=APPEND`, dialect: manner.append }),
    follow(path, from) {
      const offset = from === "now" ? "&offset=now" : "";
      return { url: `${url}/${path}?verb=FOLLOW${offset}`, dialect: manner.follow };
    },
    read: (path) => ({ url: `${url}/${path}`, dialect: "body" }),
  };
}

function startServer(runtime: Runtime, program: readonly string[], folder: string): ServerProcess {
  const args = ["serve", "--root", folder, "--http", "127.0.0.1:0", "--log-level", "warning"];
  if (runtime === "node") return new ServerProcess(process.execPath, [...program, ...args]);
  const run = runtime === "deno" ? ["run", "-A"] : [];
  return new ServerProcess(executable(runtime), [...run, join(ROOT, "mod.ts"), ...args], ROOT);
}

/**
 * The real executable of a runtime instead of npm's wrapper script, so that signals and `/proc` refer to the server.
 */
function executable(runtime: "deno" | "bun"): string {
  const print = runtime === "deno" ? ["eval", "console.log(Deno.execPath())"] : ["-e", "console.log(process.execPath)"];
  return output(runtime, print);
}

function versionOf(runtime: Runtime): string | undefined {
  if (runtime === "node") return `Node ${process.versions.node}`;
  const [, version] = /([\d.]+)/.exec(output(runtime, ["--version"])) ?? [];
  return version && `${runtime === "deno" ? "Deno" : "Bun"} ${version}`;
}

function output(runtime: "deno" | "bun", args: readonly string[]): string {
  const { stdout } = spawnSync(join(ROOT, "node_modules", ".bin", runtime), args, { encoding: "utf8" });
  // There is no output if it is not installed.
  return stdout?.trim() ?? "";
}
