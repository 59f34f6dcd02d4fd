/** What the benchmark knows of a system that it measures, and its running server. @module */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { withChildren } from "../../../test/fixture/descriptors.ts";
import { until } from "../../../test/fixture/until.ts";
import { ROOT } from "../../lib/install.mjs";
import type { AppendDialect, FollowDialect, Target } from "../generator/protocol.ts";
import { end, isRunning } from "../system.ts";

export const RUNTIMES = ["node", "deno", "bun"] as const;

export type Runtime = (typeof RUNTIMES)[number];

/**
 * How to talk to httpfstream: `httpfstream.v1`, the classic protocol, `v1` with followers over HTTP or with two `workers`. With
 * Durable Streams: `streams`, `disk` with the durability `disk`, or `posted` with followers of `httpfstream.v1`.
 */
export type Way = "v1" | "classic" | "http" | "streams" | "disk" | "posted" | "workers";

/**
 * What a peer can do. `append`: accept appends. `live`: serve followers. `replay`: serve followers from the first byte.
 * `read`: serve stored bytes over HTTP. `streams`: serve Durable Streams. `local`: run on this machine, so that its memory
 * can be measured. `copy`: copy files, instead of serving.
 */
export type Ability = "append" | "live" | "replay" | "read" | "streams" | "local" | "copy";

/** How to receive what is stored at a path. The fields of {@link Peer} describe it. */
export type Following = "follow" | "tail" | "polls" | "read";

/** A system to measure. In its URLs, `{path}` stands for a path. */
export interface Peer {
  /** A short stable name, as in `--peers`. */
  readonly name: string;
  readonly title: string;
  readonly version: string;
  /** Whether goals apply to it. The other peers are only compared with. Default: false. */
  readonly isOurs?: boolean | undefined;
  /** Set for builds of httpfstream only. */
  readonly way?: Way | undefined;
  /** Set for a build that asks for tokens: the same without. */
  readonly ungated?: string | undefined;
  readonly runtime?: Runtime;
  readonly abilities: readonly Ability[];
  /** Why it can't be measured here, and the command that fixes it. */
  readonly missing?: string | undefined;
  /** The program, and its arguments, that serves on a port and keeps its data in a folder. Default: it runs already. */
  readonly command?: ((port: number, folder: string) => readonly string[]) | undefined;
  /** How many processes serve. Default: 1. */
  readonly processes?: number;
  /** The beginning of its URLs if it runs already. */
  readonly origin?: string;
  readonly append?: Target<AppendDialect>;
  /** Appends with a verb, which needs no stream. */
  readonly raw?: Target<AppendDialect>;
  /** Follows a path from its first byte, or from now on if the peer stores nothing. */
  readonly follow?: Target<FollowDialect>;
  /** Follows a path from its end. */
  readonly tail?: Target<FollowDialect>;
  /** Follows a path from its first byte, with one request after the other. */
  readonly polls?: Target<FollowDialect>;
  readonly read?: Target<FollowDialect>;
  /** The folder with a plain file for each path, relative to the data folder. */
  readonly files?: string | undefined;
}

export type Server = Awaited<ReturnType<typeof startServer>>;

/** Starts the server of a peer and waits until it listens. Rejects if it ends or takes half a minute. */
export async function startServer(peer: Peer, folder: string) {
  const port = await freePort();
  // A server that runs already may have been measured before, so each measurement uses new paths.
  const origin = peer.command ? `http://127.0.0.1:${port}` : `${peer.origin}/bench-${randomUUID()}`;
  const child = peer.command && (await startChild(peer, peer.command(port, folder), port));
  return {
    /** The ids of its processes, including workers. Empty if it is not a child process. */
    pids: () => (child ? withChildren(child) : []),
    /** Returns the target of an operation on a path. */
    at<What extends "append" | "raw" | Following>(what: What, path: string): NonNullable<Peer[What]> {
      const target = peer[what];
      if (!target) throw new Error(`${peer.name} has no way to ${what}.`);
      return { ...target, url: origin + target.url.replace("{path}", path) };
    },
    /** Returns the file of a path, or undefined if the peer does not store paths as plain files. */
    file: (path: string) => (peer.files === undefined ? undefined : join(folder, peer.files, path)),
    stop: async () => child && end(child, "SIGTERM"),
  };
}

async function startChild({ processes = 1 }: Peer, [program = "", ...args]: readonly string[], port: number) {
  const env = { ...process.env, NO_COLOR: "1" };
  const child = spawn(program, args, { cwd: ROOT, env, stdio: ["ignore", "ignore", "inherit"] });
  // No server may outlive the benchmark.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("close", () => process.off("exit", kill));
  child.once("error", () => {});
  try {
    await until(`${program} to listen`, async () => {
      if (!isRunning(child)) throw new Error(`${program} has ended.`);
      // A master listens before its workers run.
      return (await accepts(port)) && withChildren(child).length >= processes;
    });
    return child;
  } catch (error) {
    await end(child, "SIGTERM");
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return once(socket, "connect").then(
    () => socket.destroy().destroyed,
    () => false,
  );
}
