/**
 * A real server that is killed and started again, behind an address that stays.
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { ShiftyProxy } from "./proxy.ts";

/** The server, its folder, and the proxy in front of it. */
export class Rig {
  readonly root: string;
  readonly proxy: ShiftyProxy;
  server: TestServer;
  readonly #args: readonly string[];

  private constructor(root: string, proxy: ShiftyProxy, server: TestServer, args: readonly string[]) {
    this.root = root;
    this.proxy = proxy;
    this.server = server;
    this.#args = args;
  }

  /** Starts everything. */
  static async start(...args: string[]): Promise<Rig> {
    const root = await temporaryFolder("client-v1");
    const server = await startStandalone("node", { root, args });
    return new Rig(root, await ShiftyProxy.start(server.url), server, args);
  }

  /** The URL of a path, through the proxy. */
  url(path: string): string {
    return `${this.proxy.url}/${path}`;
  }

  /** What is stored at a path. */
  stored(path: string): Promise<Buffer> {
    return readFile(join(this.root, path));
  }

  /** Ends the server in one way or the other, and starts it again. */
  async restart(how: "kill -9" | "SIGTERM"): Promise<void> {
    // Its port is free for others meanwhile, who would know nothing of its paths and sessions.
    this.proxy.target = undefined;
    if (how === "SIGTERM") await this.server.stop();
    else await this.server.kill9();
    this.server = await startStandalone("node", { root: this.root, args: this.#args });
    this.proxy.target = this.server.url;
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    await this.proxy.close();
    await this.server.stop();
    await removeFolder(this.root);
  }
}
