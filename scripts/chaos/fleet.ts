/**
 * The servers on one folder, each a process of its own, and what is done to them.
 * @module
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Durability } from "../../src/stores/file/durability.ts";
import type { Runtime } from "../../test/fixture/processes.ts";
import { startStandalone, type TestServer } from "../../test/fixture/servers.ts";
import { Clocks, type STEPS } from "./clock.ts";
import type { Ledger } from "./ledger.ts";

/** How to run them. */
export interface FleetOptions {
  readonly root: string;
  /** Where the clocks and switches of the servers are. */
  readonly folder: string;
  /** One server for each. */
  readonly runtimes: readonly Runtime[];
  readonly graceMs: number;
  readonly durability: Durability;
  readonly ledger: Ledger;
}

/** What is done to a server. */
export type Blow = "kill -9" | "SIGTERM" | "SIGSTOP" | "slow disk";

/** Lets clocks be set and disks stall; see there. */
const FAULTS = fileURLToPath(new URL("faults.mjs", import.meta.url));

/** The servers. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #servers: (TestServer | undefined)[] = [];
  /** Every process that ever ran, for what it printed. */
  readonly #all: TestServer[] = [];
  /** When servers ended, by `performance.now()`. */
  readonly #ends: number[] = [];
  readonly #clocks: Clocks;

  private constructor(options: FleetOptions) {
    this.#options = options;
    this.#clocks = new Clocks(options.folder);
  }

  /** Starts all of them. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    await Promise.all(options.runtimes.map((_, server) => fleet.#up(server)));
    return fleet;
  }

  /** How many there are. */
  get size(): number {
    return this.#options.runtimes.length;
  }

  /** The port of a server; nothing while it is down. */
  port(server: number): number | undefined {
    const url = this.#servers[server]?.url;
    return url === undefined ? undefined : Number(new URL(url).port);
  }

  /** How many servers have ended since a time, by `performance.now()`. */
  endsSince(sinceMs: number): number {
    return this.#ends.filter((endMs) => endMs >= sinceMs).length;
  }

  /** The processes that run now. */
  get pids(): number[] {
    return this.#servers.flatMap((server) => (server === undefined ? [] : [server.pid]));
  }

  /** Sets a server's clock. */
  stepClock(server: number, seconds: keyof typeof STEPS): void {
    this.#options.ledger.count("clocks", `set to ${seconds} s`);
    this.#clocks.step(server, seconds);
  }

  /** Strikes a server, and lets it come back after a while. */
  async strike(server: number, blow: Blow, pauseMs: number): Promise<void> {
    const struck = this.#servers[server];
    if (!struck) return;
    this.#options.ledger.count("blows", blow);
    if (blow === "SIGSTOP") {
      struck.program.child.kill("SIGSTOP");
      await sleep(pauseMs);
      struck.program.child.kill("SIGCONT");
      return;
    }
    if (blow === "slow disk") {
      await writeFile(this.#slowness(server), "");
      await sleep(pauseMs);
      await rm(this.#slowness(server));
      return;
    }
    if (blow === "SIGTERM") await this.#end(struck);
    else await struck.kill9();
    this.#servers[server] = undefined;
    await sleep(pauseMs);
    await this.#up(server).catch((error: unknown) => {
      this.#options.ledger.problem(`server ${server} did not come back: ${(error as Error).message}`);
    });
  }

  /** Ends all of them, as an operator would. */
  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server && this.#end(server)));
    for (const { program } of this.#all) {
      const trace = /^.*\n(?: {4}at .*\n)+/m.exec(program.output)?.[0];
      if (trace !== undefined) this.#options.ledger.problem(`a server printed a stack trace:\n${trace}`);
    }
  }

  /** Ends all of them at once, whatever state they are in. */
  async destroy(): Promise<void> {
    await Promise.all(this.#all.map((server) => server.kill9()));
  }

  /** What they have printed, one after the other. */
  get output(): string {
    return this.#all.map(({ pid, program }) => `--- process ${pid}\n${program.output}`).join("\n");
  }

  async #up(server: number): Promise<void> {
    const { root, runtimes, graceMs, durability } = this.#options;
    const args = ["--limit", `graceMs=${graceMs}`, "--durability", durability, "--log-level", "warning"];
    const env = { ...this.#clocks.environment(server), CHAOS_SLOW_DISK: this.#slowness(server) };
    const started = await startStandalone(runtimes[server] as Runtime, { root, args, env, preload: FAULTS });
    this.#all.push(started);
    this.#servers[server] = started;
    void started.program.exited.then(({ code, signal }) => {
      this.#ends.push(performance.now());
      if (this.#servers[server] === started && code !== 0 && signal !== "SIGKILL") {
        this.#options.ledger.problem(`server ${server} ended by itself, with ${signal ?? `code ${code}`}`);
      }
    });
  }

  #slowness(server: number): string {
    return join(this.#options.folder, `slow-${server}`);
  }

  async #end(server: TestServer): Promise<void> {
    try {
      const { code, signal } = await server.stop();
      if (code !== 0) this.#options.ledger.problem(`after SIGTERM a server ended with ${signal ?? `code ${code}`}`);
    } catch (error) {
      this.#options.ledger.problem(`after SIGTERM a server did not end: ${(error as Error).message}`);
    }
  }
}
