/**
 * A server of this project with the interface of the server that the client suite starts, and behind a proxy that takes
 * the suite's orders for faults.
 * @module
 */
import { FaultProxy } from "../../test/fixture/fault-proxy.ts";
import type { Runtime } from "../../test/fixture/processes.ts";
import { startStandalone, type TestServer } from "../../test/fixture/servers.ts";

/** What the suite asks of its server. */
interface SuiteOptions {
  readonly port?: number;
  /** Milliseconds of a long-poll. */
  readonly longPollTimeout?: number;
}

/** Makes the class that the suite gets in place of its server. */
export function suiteServer(runtime: Runtime) {
  return class SuiteServer {
    readonly #options: SuiteOptions;
    #server: TestServer | undefined;
    #proxy: FaultProxy | undefined;

    constructor(options: SuiteOptions) {
      this.#options = options;
    }

    get url(): string {
      if (!this.#proxy) throw new Error("The server has not been started.");
      return this.#proxy.url;
    }

    async start(): Promise<string> {
      const { port = 0, longPollTimeout = 1_000 } = this.#options;
      this.#server = await startStandalone(runtime, { args: ["--limit", `longPollMs=${longPollTimeout}`] });
      this.#proxy = await FaultProxy.start(this.#server.url, port);
      return this.url;
    }

    async stop(): Promise<void> {
      await this.#proxy?.close();
      await this.#server?.stop();
    }
  };
}
