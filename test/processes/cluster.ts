/**
 * Several servers on one folder, each in its own process.
 * @module
 */
import assert from "node:assert/strict";
import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Clock, WRONG_CLOCK } from "../fixture/clock.ts";
import { type HttpResponse, request } from "../fixture/http.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

const TIMEOUT_MS = 150_000;

/** The connection of an append session, and the fields of its start message. */
export interface Appending {
  readonly peer: V1Peer;
  readonly offset: number;
  readonly session: string;
}

/** Options for a server of a cluster. */
export interface ServerTerms {
  /** Default: the cluster's. */
  readonly runtime?: Runtime;
  /** Default: a free port. */
  readonly port?: number;
  /** More command line arguments. */
  readonly args?: readonly string[];
  /** A command that starts the server; the server's own command line follows as its arguments. */
  readonly through?: readonly string[];
  /** The server's clock. Default: the system's. */
  readonly clock?: Clock;
}

/** A folder, and the servers on it. */
export class Cluster {
  readonly root: string;
  readonly runtime: Runtime;
  /** The folder of a test's paths below the root: the empty string, or a name with a leading slash. */
  folder = "";
  readonly #servers: TestServer[] = [];
  readonly #peers: WebSocketPeer[] = [];

  constructor(root: string, runtime: Runtime) {
    this.root = root;
    this.runtime = runtime;
  }

  /** Starts another server with these limits. */
  async start(limits: Record<string, number> = {}, more: ServerTerms = {}): Promise<Server> {
    const args = Object.entries(limits).flatMap(([name, value]) => ["--limit", `${name}=${value}`]);
    args.push(...(more.args ?? []));
    if (more.port !== undefined) args.push("--http", `127.0.0.1:${more.port}`);
    const started = await startStandalone(more.runtime ?? this.runtime, {
      root: this.root,
      args,
      ...(more.through ? { through: more.through } : {}),
      ...(more.clock ? { env: more.clock.env, preload: WRONG_CLOCK } : {}),
    });
    this.#servers.push(started);
    return new Server(started, this, (peer) => this.#peers.push(peer));
  }

  /** The bytes of a file. */
  file(path: string): Buffer {
    return readFileSync(join(this.root, this.folder, path));
  }

  /** The files below the reserved folder, without the records of paths and the sockets of processes. */
  reserved(): string[] {
    try {
      const folder = join(this.root, ".httpfstream");
      const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
      // The link `claims` keeps earlier versions out.
      const isKept = (entry: Dirent): boolean => entry.isDirectory() || entry.name === "claims";
      const files = entries.filter((entry) => !isKept(entry)).map((entry) => join(entry.parentPath, entry.name));
      // A process has its socket for as long as it runs.
      const kept = ["streams", "sockets"].map((name) => join(folder, name));
      return files.filter((file) => !kept.some((each) => file.startsWith(each)));
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENOENT") return [];
      throw error;
    }
  }

  /** Drops every connection. */
  disconnect(): void {
    for (const peer of this.#peers.splice(0)) peer.connection.drop();
  }

  /** Drops the connections, kills the servers and removes the folder. */
  async dispose(): Promise<void> {
    this.disconnect();
    for (const server of this.#servers) await server.kill9();
    await removeFolder(this.root);
  }
}

/** One server of a cluster. */
export class Server {
  readonly url: string;
  readonly process: TestServer;
  readonly #cluster: Cluster;
  readonly #own: (peer: WebSocketPeer) => void;

  constructor(process: TestServer, cluster: Cluster, own: (peer: WebSocketPeer) => void) {
    this.url = process.url;
    this.process = process;
    this.#cluster = cluster;
    this.#own = own;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Stops the process with SIGSTOP until {@link wake}. */
  freeze(): void {
    this.process.program.child.kill("SIGSTOP");
  }

  wake(): void {
    this.process.program.child.kill("SIGCONT");
  }

  /** Sends an upgrade request; the caller handles the response. */
  async upgrade(target: string, headers: Record<string, string> = OFFER): Promise<WebSocketPeer> {
    const options = { target: `${this.#cluster.folder}${target}`, headers, kind: "binary" } as const;
    const peer = await WebSocketPeer.open(this.url, options);
    this.#own(peer);
    return peer;
  }

  /** The status that an upgrade request gets. */
  async status(target: string, headers: Record<string, string> = OFFER): Promise<number> {
    const peer = await this.upgrade(target, headers);
    const { status } = await peer.head;
    peer.connection.drop();
    return status;
  }

  /** Begins or resumes an append. */
  async append(path: string, query = ""): Promise<Appending> {
    const peer = new V1Peer(await (await this.upgrade(`/${path}?verb=APPEND${query && `&${query}`}`)).opened());
    const { offset, session = "" } = await peer.control("start");
    return { peer, offset, session };
  }

  /** Resumes an append; retries while the server can't be reached or refuses the resume with 403 or 503. */
  async resume(path: string, session: string): Promise<Appending> {
    const target = `/${path}?verb=APPEND&session=${session}`;
    const peer = await until(`the session of ${path} to be resumed`, async () => {
      const attempt = await this.upgrade(target).catch(() => undefined);
      const status = (await attempt?.head.catch(() => undefined))?.status;
      if (status === 101) return attempt;
      assert.ok(status === undefined || status === 403 || status === 503, `the resume got ${status}`);
      attempt?.connection.drop();
      return undefined;
    });
    const v1 = new V1Peer(peer);
    return { peer: v1, session, offset: (await v1.control("start")).offset };
  }

  /** Follows a path that has an appender. */
  async follow(path: string, query = ""): Promise<V1Peer> {
    return new V1Peer(await (await this.upgrade(`/${path}?verb=FOLLOW${query && `&${query}`}`)).opened());
  }

  /** Opens a classic append. */
  async classic(path: string): Promise<WebSocketPeer> {
    return await (await this.upgrade(`/${path}?verb=APPEND`, {})).opened();
  }

  /** Sends a request. */
  send(target: string, method = "GET", body?: string): Promise<HttpResponse> {
    return request(this.url, {
      target: `${this.#cluster.folder}${target}`,
      method,
      ...(body === undefined ? {} : { body }),
    });
  }
}

/** Registers a test with its own folder on each of the runtimes. Default: all runtimes. */
export function clusterTest(
  what: string,
  run: (cluster: Cluster) => Promise<void>,
  runtimes: readonly Runtime[] = RUNTIMES,
): void {
  for (const runtime of runtimes) {
    test(`${what} (${runtime})`, { timeout: TIMEOUT_MS }, async () => {
      const cluster = new Cluster(await temporaryFolder("cluster"), runtime);
      try {
        await run(cluster);
      } finally {
        await cluster.dispose();
      }
    });
  }
}

/** Two servers on one folder, and their cluster. */
export interface Pair {
  readonly cluster: Cluster;
  readonly one: Server;
  readonly other: Server;
}

/** Registers tests on each runtime that share two servers with a short grace period; each test has its own folder. */
export function pairSuite(title: string, cases: Record<string, (pair: Pair) => Promise<void>>): void {
  for (const runtime of RUNTIMES) {
    describe(`${title} (${runtime})`, () => {
      let pair: Pair;
      before(async () => {
        const cluster = new Cluster(await temporaryFolder("pair"), runtime);
        const [one, other] = await Promise.all([cluster.start({ graceMs: 700 }), cluster.start({ graceMs: 700 })]);
        pair = { cluster, one, other };
      });
      after(() => pair.cluster.dispose());
      for (const [at, [what, run]] of Object.entries(cases).entries()) {
        test(what, { timeout: TIMEOUT_MS }, async () => {
          pair.cluster.folder = `/case-${at}`;
          await run(pair);
          pair.cluster.disconnect();
        });
      }
    });
  }
}

/** Expects that a follower got these bytes and then the end with this reason. */
export async function expectEnd(peer: V1Peer, expected: Uint8Array | string, reason: string): Promise<void> {
  const { code } = await peer.closed();
  const end = peer.controls.at(-1);
  assert.deepEqual([code, end?.type, end?.reason], [1000, "end", reason], JSON.stringify(peer.controls.slice(-3)));
  assert.ok(peer.data.equals(Buffer.from(expected)), `the follower got ${JSON.stringify(String(peer.data))}`);
}

/** All bytes of a follower that reconnects until it gets the end. */
export async function restOf(server: Server, path: string, follower: V1Peer): Promise<Buffer> {
  let [peer, got] = [follower, Buffer.alloc(0)];
  for (;;) {
    const { code } = await peer.closed();
    got = Buffer.concat([got, peer.data]);
    const last = peer.controls.at(-1);
    if (last?.type === "end") {
      assert.deepEqual([code, last.reason, last.offset], [1000, "complete", got.length]);
      return got;
    }
    assert.equal(code, 1012, "only a restart ends a follower without a word");
    const upgrade = await server.upgrade(`/${path}?verb=FOLLOW&offset=${got.length}`);
    if ((await upgrade.head).status !== 101) return Buffer.concat([got, (await upgrade.response()).body]);
    peer = new V1Peer(upgrade);
  }
}
