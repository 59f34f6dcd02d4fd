/**
 * A folder of the server under test with files in every state, and requests with credentials.
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { ACTIONS } from "../../../src/server/gate/gate.ts";
import { HttpExchange, type HttpRequest } from "../../fixture/http.ts";
import { OFFER, V1Peer } from "../../fixture/v1.ts";
import type { Presented } from "./credentials.ts";
import { allowing, type GateTarget } from "./target.ts";

/** What every file of a stage begins with, and no refusal may contain. */
export const SECRET = "the secret of the stage";

/** How many requests are open at a time. */
const CONCURRENCY = 12;

/** What a server answers. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The body of a refusal, or of a listing as JSON; else empty. */
  readonly text: string;
}

/** A folder of its own below a server's URL. */
export class Stage {
  readonly target: GateTarget;
  readonly folder: string = `gate-${randomBytes(6).toString("hex")}`;
  readonly #mount: string;
  readonly #live: V1Peer[] = [];
  #files = 0;

  private constructor(target: GateTarget) {
    this.target = target;
    this.#mount = new URL(target.url).pathname.replace(/\/$/, "");
  }

  /** Creates the folder, with a file in it, `ended.txt`. */
  static async set(target: GateTarget): Promise<Stage> {
    const stage = new Stage(target);
    await stage.write("ended.txt");
    return stage;
  }

  /** Writes a file, as another program could. */
  async write(path: string): Promise<void> {
    const file = join(this.target.root, this.folder, path);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, `${SECRET}\n`);
  }

  /** A name that no other request uses, with a file of that name if it is to exist. */
  async fresh(exists: boolean): Promise<string> {
    const path = `fresh-${++this.#files}.txt`;
    if (exists) await this.write(path);
    return path;
  }

  /** Opens an append, which stays open until {@link clear}. */
  async append(path: string): Promise<void> {
    const token = await allowing(ACTIONS, ["/**"]);
    const headers = { ...OFFER, Authorization: `Bearer ${token}` };
    const peer = await V1Peer.open(this.target.url, { target: this.at(path, "verb=APPEND"), headers });
    this.#live.push(peer);
    await peer.control("start");
    await peer.send(`${SECRET}\n`);
    await peer.acked(1);
  }

  /** Ends the open appends. */
  async clear(): Promise<void> {
    await Promise.all(this.#live.map((peer) => peer.finish()));
  }

  /** The request target of a raw path in the folder. */
  at(path: string, ...queries: (string | undefined)[]): string {
    const query = queries.filter(Boolean).join("&");
    return `${this.#mount}/${this.folder}/${path}${query && `?${query}`}`;
  }

  /** Sends a request with credentials. Drops the connection once the answer is known. */
  async ask(
    path: string,
    request: Omit<HttpRequest, "target"> & { query?: string },
    presented: Presented,
  ): Promise<Answer> {
    const { query, ...rest } = request;
    const { authorization } = presented;
    const headers = { ...request.headers, ...(authorization === undefined ? {} : { Authorization: authorization }) };
    const sent = { ...rest, headers, target: this.at(path, query, presented.query) };
    const exchange = await HttpExchange.start(this.target.url, sent);
    try {
      const head = await exchange.head;
      // A follow goes on for as long as its connection.
      const isWhole = head.status >= 400 || head.headers.get("Content-Type") === "application/json";
      if (!isWhole) return { ...head, text: "" };
      return await exchange.response();
    } finally {
      exchange.connection.drop();
    }
  }

  /**
   * The contents of everything that the server has stored, also for itself, by path. Of its records of streams, only the
   * names: those of open appends change by themselves.
   */
  async everything(): Promise<Record<string, string>> {
    const contents = Object.entries(await contentsOf(this.target.root));
    return Object.fromEntries(
      contents.map(([file, content]) => [file, file.startsWith(".httpfstream/streams/") ? "record" : content]),
    );
  }

  /** The contents of the folder, by path. */
  contents(): Promise<Record<string, string>> {
    return contentsOf(join(this.target.root, this.folder));
  }
}

async function contentsOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const digests = entries.map(async (entry): Promise<[string, string]> => {
    const file = join(entry.parentPath, entry.name);
    const content = entry.isFile()
      ? createHash("sha256")
          .update(await readFile(file))
          .digest("hex")
      : "folder";
    return [relative(folder, file), content];
  });
  return Object.fromEntries((await Promise.all(digests)).sort());
}

/** Runs `work` for every item, some at a time. */
export async function forEach<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items].reverse();
  const worker = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}
