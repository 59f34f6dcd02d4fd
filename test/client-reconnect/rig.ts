/**
 * A real server that is killed and started again, behind an address that stays.
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Runtime } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { ShiftyProxy } from "./proxy.ts";

/** The server, its folder, and the proxy in front of it. */
export class Rig {
  readonly root: string;
  readonly proxy: ShiftyProxy;
  server: TestServer;
  readonly #start: () => Promise<TestServer>;

  private constructor(root: string, proxy: ShiftyProxy, server: TestServer, start: () => Promise<TestServer>) {
    this.root = root;
    this.proxy = proxy;
    this.server = server;
    this.#start = start;
  }

  /** Starts everything, with more arguments for the server. */
  static start(...args: string[]): Promise<Rig> {
    return Rig.on("node", ...args);
  }

  /** Starts everything, the server on a runtime. */
  static async on(runtime: Runtime, ...args: string[]): Promise<Rig> {
    const root = await temporaryFolder("client-reconnect");
    const start = (): Promise<TestServer> => startStandalone(runtime, { root, args });
    const server = await start();
    return new Rig(root, await ShiftyProxy.start(server.url), server, start);
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
    this.server = await this.#start();
    this.proxy.target = this.server.url;
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    await this.proxy.close();
    await this.server.stop();
    await removeFolder(this.root);
  }
}
