/** Three NATS servers, two servers in front of them, two servers with folders of their own, and load generators. @module */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { startClusterServer } from "../../test/fixture/cluster-servers.ts";
import { NatsLab } from "../../test/fixture/nats-lab.ts";
import type { TestServer } from "../../test/fixture/servers.ts";
import type { Peer, Server } from "../bench/peers/peer.ts";
import { type Generator, startGenerator } from "../bench/stage.ts";
import { compile } from "../lib/compile.ts";
import type { Size } from "./size.ts";

const GENERATOR = "scripts/bench/generator/main.ts";
const SERVER = "test/fixture/cluster-server.ts";

/** Bytes that the store may have: the paths of all rounds stay. */
const STORE_BYTES = 3 * 1024 ** 3;

/** The grace period in milliseconds. */
const GRACE_MS = 1_000;

/** How to talk to a server. */
const TARGETS: Pick<Peer, "append" | "follow" | "tail" | "read"> = {
  append: { url: "/{path}?verb=APPEND", dialect: "v1" },
  follow: { url: "/{path}?verb=FOLLOW", dialect: "v1" },
  tail: { url: "/{path}?verb=FOLLOW&offset=now", dialect: "v1" },
  read: { url: "/{path}", dialect: "body" },
};

/** A server, and a way to start load generators for it. */
export interface Node {
  readonly url: string;
  generator(): Generator;
}

/** The environment of all measurements. */
export class Stage {
  readonly size: Size;
  readonly lab: NatsLab;
  /** Servers on one store. */
  readonly cluster: readonly [Node, Node];
  /** Servers, each with a folder of its own. */
  readonly folders: readonly [Node, Node];
  readonly #below: string;
  readonly #servers: readonly TestServer[];
  readonly #generators: Generator[];

  private constructor(parts: {
    readonly size: Size;
    readonly lab: NatsLab;
    readonly below: string;
    readonly servers: readonly TestServer[];
    readonly program: string;
  }) {
    const generators: Generator[] = [];
    const nodes = parts.servers.map(({ url }) => nodeAt(url, parts.program, generators));
    const [one, other, first, second] = nodes as [Node, Node, Node, Node];
    this.size = parts.size;
    this.lab = parts.lab;
    this.cluster = [one, other];
    this.folders = [first, second];
    this.#below = parts.below;
    this.#servers = parts.servers;
    this.#generators = generators;
  }

  /**
   * Sets everything up.
   *
   * @param program The path of the nats-server.
   */
  static async open(program: string, size: Size): Promise<Stage> {
    const below = await mkdtemp(join(tmpdir(), "httpfstream-cluster-bench-"));
    const servers: TestServer[] = [];
    let lab: NatsLab | undefined;
    try {
      // As it ships, in a folder, so that no other build affects the run.
      const complaint = compile(join(below, "built"), { files: [GENERATOR, SERVER] });
      if (complaint !== undefined) throw new Error(`The checkout can't be built:\n${complaint}`);
      const dist = join(below, "built", "dist");
      process.env["HTTPFSTREAM_BUILT"] = dist;
      lab = await NatsLab.start(program);
      const store = lab.storeOptions({ maxBytes: STORE_BYTES });
      // An append whose generator was killed holds its path for that long.
      const limits = { graceMs: GRACE_MS };
      for (const terms of [{ store, limits }, { store, limits }, { limits }, { limits }]) {
        const root = join(below, `folder-${servers.length}`);
        servers.push(await startClusterServer({ runtime: "node", deletes: "all", ...terms }, root));
      }
      return new Stage({ size, lab, below, servers, program: join(dist, GENERATOR.replace(".ts", ".js")) });
    } catch (error) {
      await Promise.all(servers.map((server) => server.kill9()));
      await lab?.stop();
      await rm(below, { recursive: true, force: true });
      throw error;
    }
  }

  /** Ends the load generators of a measurement. */
  async clear(): Promise<void> {
    await Promise.all(this.#generators.splice(0).map((generator) => generator.stop()));
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await this.clear();
    await Promise.all(this.#servers.map((server) => server.kill9()));
    await this.lab.stop();
    await rm(this.#below, { recursive: true, force: true });
  }
}

function nodeAt(url: string, program: string, generators: Generator[]): Node {
  const server: Server = {
    pids: () => [],
    file: () => undefined,
    stop: async () => undefined,
    at(what, path) {
      const target = TARGETS[what as keyof typeof TARGETS];
      if (!target) throw new Error(`There is no way to ${what}.`);
      return { ...target, url: url + target.url.replace("{path}", path) } as NonNullable<Peer[typeof what]>;
    },
  };
  return {
    url,
    generator() {
      const generator = startGenerator(program, server);
      generators.push(generator);
      return generator;
    },
  };
}
