/**
 * Three NATS servers, two servers in front of them, and clients of all: what faults are inflicted on.
 *
 * The first server, and the first store of the race, reach NATS through proxies that can be cut. Appenders connect through one
 * that takes the servers in turns, followers to each server directly.
 * @module
 */
import type { Limits } from "../../../src/engine/limits.ts";
import type { Store } from "../../../src/store/mod.ts";
import { type JetStreamStoreOptions, jetstreamStore } from "../../../src/stores/jetstream/mod.ts";
import { startClusterServer } from "../../../test/fixture/cluster-servers.ts";
import { type LabOptions, NatsLab } from "../../../test/fixture/nats-lab.ts";
import type { Runtime } from "../../../test/fixture/processes.ts";
import { expectCleanStop, type TestServer } from "../../../test/fixture/servers.ts";
import { addressOf, TcpProxy } from "../../../test/fixture/tcp-proxy.ts";
import { removeFolder, temporaryFolder } from "../../../test/fixture/temp.ts";
import { until } from "../../../test/fixture/until.ts";
import { Random } from "../random.ts";
import { Load } from "./load.ts";
import { Race } from "./race.ts";

/** Milliseconds of the lease of a server: short, so that a takeover does not take long. */
const LEASE_MS = 2_000;

/** How a scene is set up. */
export interface SceneTerms {
  /** The path of the nats-server. */
  readonly program: string;
  readonly seed: number;
  readonly runtime?: Runtime;
  readonly lab?: LabOptions;
  readonly store?: Partial<JetStreamStoreOptions>;
  readonly limits?: Partial<Limits>;
}

/** The result of a round. */
export interface RoundReport {
  /** The violations that were found. */
  readonly problems: readonly string[];
  /** How many bytes were acknowledged, and followed at each server. */
  readonly bytes: number;
  /** The longest time between two acknowledgements of an append, in milliseconds. */
  readonly longestMs: number;
  /** How many operations were judged, and how many of them have no answer. */
  readonly operations: number;
  readonly unanswered: number;
}

/** The servers, and the way to each of them. */
export class Scene {
  readonly lab: NatsLab;
  readonly random: Random;
  /** The ways of the first server to NATS, one for each NATS server. */
  readonly ways: readonly TcpProxy[];
  /** The proxy to which appenders connect. */
  readonly entrance: TcpProxy;
  readonly #terms: SceneTerms;
  readonly #root: string;
  readonly #servers: TestServer[];
  readonly #stores: readonly Store[];
  /** When servers ended, by `performance.now()`. */
  readonly #ends: number[] = [];
  #rounds = 0;
  #destroyed: Promise<void> | undefined;

  private constructor(parts: {
    readonly terms: SceneTerms;
    readonly lab: NatsLab;
    readonly ways: readonly TcpProxy[];
    readonly entrance: TcpProxy;
    readonly root: string;
    readonly servers: TestServer[];
    readonly stores: readonly Store[];
  }) {
    this.#terms = parts.terms;
    this.lab = parts.lab;
    this.random = new Random(parts.terms.seed);
    this.ways = parts.ways;
    this.entrance = parts.entrance;
    this.#root = parts.root;
    this.#servers = parts.servers;
    this.#stores = parts.stores;
  }

  /** Sets everything up. */
  static async open(terms: SceneTerms): Promise<Scene> {
    const lab = await NatsLab.start(terms.program, terms.lab);
    const root = await temporaryFolder("scene");
    const ways = await Promise.all(lab.nodes.map(({ url }) => TcpProxy.start([addressOf(url)])));
    const servers: TestServer[] = [];
    const stores: Store[] = [];
    try {
      for (const at of [0, 1]) {
        const store = storeOf(terms, lab, at, ways);
        servers.push(await startClusterServer(serverTerms(terms, at, store), root, throughOf(terms, at)));
        stores.push(jetstreamStore(storeOf(terms, lab, at, ways, true)));
      }
      for (const store of stores) await store.open?.();
      const entrance = await TcpProxy.start(servers.map(({ url }) => addressOf(url)));
      return new Scene({ terms, lab, ways, entrance, root, servers, stores });
    } catch (error) {
      await Promise.all(stores.map((store) => store.close?.()));
      await Promise.all(servers.map((server) => server.kill9()));
      await Promise.all(ways.map((way) => way.close()));
      await lab.stop();
      throw error;
    }
  }

  /** A server. */
  server(at: 0 | 1): TestServer {
    return this.#servers[at] as TestServer;
  }

  /** The URLs of both servers. */
  get urls(): string[] {
    return this.#servers.map(({ url }) => url);
  }

  /** The stream of a shard. */
  stream(shard: number): string {
    return `HFS_${shard}`;
  }

  /** How many servers have ended since a time, by `performance.now()`. */
  endsSince(sinceMs: number): number {
    return this.#ends.filter((endMs) => endMs >= sinceMs).length;
  }

  /** Starts a server that has ended again, at its port. */
  async restart(at: 0 | 1): Promise<void> {
    this.#ends.push(performance.now());
    const { port } = addressOf(this.server(at).url);
    const store = storeOf(this.#terms, this.lab, at, this.ways);
    const terms = { ...serverTerms(this.#terms, at, store), port };
    this.#servers[at] = await startClusterServer(terms, this.#root, throughOf(this.#terms, at));
  }

  /**
   * Runs clients while faults are inflicted, and lets the appends end. The faults must be over when `inflict` resolves, and
   * everything must be reachable.
   */
  async under(inflict: (loads: readonly Load[]) => Promise<void>): Promise<RoundReport> {
    const round = this.#rounds++;
    const folder = `round-${round}`;
    const race = this.#race(`${folder}/race`, round);
    const loads = await this.begin(folder);
    race.start();
    // Some operations before the fault, so that there is something to lose.
    await until("the race to begin", () => race.acknowledged >= 3);
    await inflict(loads);
    await Promise.all(loads.map((load) => load.goesOn()));
    await Promise.all(loads.map((load) => load.isFollowed()));
    const longestMs = Math.max(...loads.map((load) => load.longestMs));
    const ended = await Promise.all(loads.map((load) => load.finish()));
    const raced = await race.finish();
    return {
      problems: [...ended.flat(), ...raced],
      bytes: loads.reduce((sum, { acked }) => sum + acked, 0),
      longestMs,
      operations: race.count,
      unanswered: race.unknown,
    };
  }

  /** Begins appends of some paths, so that the leaders of both shards have something to do, followed at each server. */
  async begin(folder: string): Promise<readonly Load[]> {
    const { entrance, random } = this;
    return await Promise.all(
      ["one.bin", "two.bin", "three.bin"].map((name) =>
        Load.begin({ path: `${folder}/${name}`, appendUrl: entrance.url, followUrls: this.urls, random }),
      ),
    );
  }

  #race(folder: string, round: number): Race {
    const random = this.random.fork("race", round);
    return new Race({ stores: this.#stores, folder, paths: 2, writers: 2, readers: 1, random });
  }

  /** What the servers have printed. */
  get output(): string {
    return this.#servers.map(({ pid, program }) => `--- process ${pid}\n${program.output}`).join("\n");
  }

  /** Ends everything. Expects that both servers end cleanly. */
  async close(): Promise<void> {
    try {
      await this.entrance.close();
      await Promise.all(this.#stores.map((store) => store.close?.()));
      await Promise.all(this.#servers.map((server) => expectCleanStop(server)));
    } finally {
      await this.destroy();
    }
  }

  /** Kills everything. */
  destroy(): Promise<void> {
    this.#destroyed ??= this.#destroy();
    return this.#destroyed;
  }

  async #destroy(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill9()));
    await this.lab.stop();
    await Promise.all(this.ways.map((way) => way.close()));
    await removeFolder(this.#root);
  }
}

/** The options of a server's store. The second server, and the second store of the race, go to NATS directly. */
function storeOf(
  { store, lab: where }: SceneTerms,
  lab: NatsLab,
  at: number,
  ways: readonly TcpProxy[],
  isRacing = false,
): JetStreamStoreOptions {
  const options = { leaseMs: LEASE_MS, ...store };
  const all = lab.storeOptions(options);
  // With a namespace, the first server runs in it, beside the first NATS server, and knows no other one.
  if (where?.firstIn) {
    const [first, ...others] = lab.nodes;
    if (at === 1) return { ...all, servers: others.map(({ url }) => url) };
    const { client = 0, monitor = 0 } = first?.ports ?? {};
    const inside = { servers: [`nats://127.0.0.1:${client}`], monitors: [`http://127.0.0.1:${monitor}`] };
    const beyond = others.map(({ ports }) => `http://${where.firstIn?.peers.here}:${ports.monitor}`);
    const monitors = [...inside.monitors, ...beyond];
    return isRacing ? { ...all, servers: first ? [first.url] : [] } : { ...all, ...inside, monitors };
  }
  return at === 1 ? all : { ...all, servers: ways.map(({ port }) => `nats://127.0.0.1:${port}`) };
}

function serverTerms({ runtime = "node", lab, limits }: SceneTerms, at: number, store: JetStreamStoreOptions) {
  const hostname = lab?.firstIn && at === 0 ? lab.firstIn.clients.there : "127.0.0.1";
  return { runtime, store, hostname, deletes: "all", ...(limits && { limits }) } as const;
}

function throughOf({ lab }: SceneTerms, at: number): readonly string[] | undefined {
  return at === 0 ? lab?.firstIn?.through : undefined;
}
