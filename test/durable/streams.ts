/** A server whose streams a test writes to, kills and damages. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ServerOptions, startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** What a server has answered. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** The numbers of a producer. */
export type Stamp = readonly [id: string, epoch: number, seq: number];

/** The headers of a producer. */
export function producer([id, epoch, seq]: Stamp): Record<string, string> {
  return { "Producer-Id": id, "Producer-Epoch": String(epoch), "Producer-Seq": String(seq) };
}

export const TEXT = { "Content-Type": "text/plain" };
export const JSON_TYPE = { "Content-Type": "application/json" };
export const CLOSED = { "Stream-Closed": "true" };

/** A root with one server at a time, or several. */
export class StreamServer {
  readonly root: string;
  readonly #options: ServerOptions;
  #server: TestServer;

  private constructor(root: string, options: ServerOptions, server: TestServer) {
    this.root = root;
    this.#options = options;
    this.#server = server;
  }

  /** Starts a server. Call {@link remove} at the end. */
  static async start(options: ServerOptions = {}): Promise<StreamServer> {
    const root = options.root ?? (await temporaryFolder("streams"));
    return new StreamServer(root, options, await startStandalone("node", { ...options, root }));
  }

  get url(): string {
    return this.#server.url;
  }

  /** Kills the server, and starts another one on the same root. */
  async crash(damage: () => void | Promise<void> = () => {}): Promise<void> {
    await this.#server.kill9();
    await damage();
    await this.restart();
  }

  /** Resolves when the server has ended by itself. */
  async ended(): Promise<void> {
    await this.#server.program.exited;
  }

  /** Starts another server on the same root, in place of one that has ended. */
  async restart(): Promise<void> {
    this.#server = await startStandalone("node", { ...this.#options, root: this.root });
  }

  /** Starts another server on the same root. */
  async another(): Promise<TestServer> {
    return await startStandalone("node", { ...this.#options, root: this.root });
  }

  async remove(): Promise<void> {
    await this.#server.kill9();
    if (this.#options.root === undefined) await removeFolder(this.root);
  }

  /** The file of a path. */
  file(path: string): string {
    return join(this.root, path);
  }

  /** The logs of all streams. */
  logs(): string[] {
    const folder = join(this.root, ".httpfstream", "durable");
    return readdirSync(folder)
      .filter((name) => name.endsWith(".log"))
      .map((name) => join(folder, name));
  }

  /** Remembers what the records of all files say now; call the result to restore it. */
  keepRecords(): () => void {
    const folder = join(this.root, ".httpfstream", "streams");
    const records = readdirSync(folder).map((name) => [join(folder, name), readFileSync(join(folder, name))] as const);
    return () => {
      for (const [file, bytes] of records) writeFileSync(file, bytes);
    };
  }

  /** The bytes of a path's file, as text. */
  stored(path: string): string {
    return readFileSync(this.file(path), "utf8");
  }

  async send(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
    return await sendTo(this.url, method, path, headers, body);
  }

  get(path: string): Promise<Answer> {
    return this.send("GET", path);
  }

  /** Sends a request, and expects a status. */
  async expect(
    status: number,
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<Answer> {
    const answer = await this.send(method, path, headers, body);
    assert.equal(answer.status, status, `${method} /${path}: ${answer.text}`);
    return answer;
  }

  /** Appends to a stream of text as a producer, and expects a status. */
  produce(
    status: number,
    path: string,
    stamp: Stamp,
    body: string,
    more: Record<string, string> = {},
  ): Promise<Answer> {
    return this.expect(status, "POST", path, { ...TEXT, ...producer(stamp), ...more }, body);
  }
}

/** Sends a request to a server. */
export async function sendTo(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Answer> {
  const response = await fetch(`${url}/${path}`, { method, headers, ...(body !== undefined && { body }) });
  return { status: response.status, text: await response.text(), headers: response.headers };
}
