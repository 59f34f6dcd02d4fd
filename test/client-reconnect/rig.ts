/**
 * A real server that tests kill and restart, behind a fixed address.
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

  /** Starts the server on Node, with more arguments, and the proxy. */
  static start(...args: string[]): Promise<Rig> {
    return Rig.on("node", ...args);
  }

  /** Starts the server on a runtime, with more arguments, and the proxy. */
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

  /** Reads the bytes stored at a path. */
  stored(path: string): Promise<Buffer> {
    return readFile(join(this.root, path));
  }

  /** Ends the server with a signal, and starts another one on the same folder. */
  async restart(how: "kill -9" | "SIGTERM"): Promise<void> {
    // Another server may get its port meanwhile, and would not know its paths and sessions.
    this.proxy.target = undefined;
    if (how === "SIGTERM") await this.server.stop();
    else await this.server.kill9();
    this.server = await this.#start();
    this.proxy.target = this.server.url;
  }

  /** Ends the proxy and the server, and removes the folder. */
  async stop(): Promise<void> {
    await this.proxy.close();
    await this.server.stop();
    await removeFolder(this.root);
  }
}
