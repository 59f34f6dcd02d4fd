/**
 * The environment of one measurement: a fresh server with an empty folder, load generators, and a meter of their costs.
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Generator } from "./generator.ts";
import type { Numbers } from "./load.ts";
import type { Peer, Server } from "./peers/peer.ts";
import type { Size } from "./size.ts";
import { cpuSeconds, peakBytes, resetPeak } from "./usage.ts";

/** Milliseconds after which a measurement fails. */
const TIMEOUT_MS = 900_000;

/** The cost of a part of a measurement. */
export interface Cost {
  /** The server's processor time, in seconds. */
  readonly serverSeconds: number;
  /** The server's processor time, in percent of the elapsed time. */
  readonly serverCpu: number;
  /** The processor time of the busiest load generator, in percent of the elapsed time. */
  readonly generatorCpu: number;
  /** The peak of the server's resident memory, in MiB. */
  readonly peakMemory: number;
}

/** What all measurements of a run share. */
export interface Setting {
  readonly size: Size;
  /** The folder of the run. */
  readonly below: string;
  /** The path of the load generator's program. */
  readonly generatorProgram: string;
}

/** The environment of one measurement. */
export class Stage {
  readonly peer: Peer;
  /** The folder with the server's data. It is removed at the end. */
  readonly folder: string;
  readonly server: Server;
  readonly #setting: Setting;
  readonly #generators: Generator[] = [];

  private constructor(peer: Peer, setting: Setting, folder: string, server: Server) {
    this.peer = peer;
    this.#setting = setting;
    this.folder = folder;
    this.server = server;
  }

  /** Sets up a stage, measures, and always cleans up. */
  static async use(peer: Peer, setting: Setting, measure: (stage: Stage) => Promise<Numbers>): Promise<Numbers> {
    const folder = await mkdtemp(join(setting.below, `${peer.name}-`));
    try {
      const server = await peer.start(folder);
      const stage = new Stage(peer, setting, folder, server);
      try {
        return await within(TIMEOUT_MS, measure(stage));
      } finally {
        // Stop the generators first, so that the server does not wait for their connections.
        await Promise.all(stage.#generators.map((generator) => generator.stop()));
        await server.stop();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** The size of the run, scaled for this peer. */
  get size(): Size {
    return this.#setting.size;
  }

  /** The folder of the run, for content that measurements share. */
  get below(): string {
    return this.#setting.below;
  }

  /** Starts a load generator, which is stopped at the end of the measurement. */
  generator(): Generator {
    const generator = new Generator(this.#setting.generatorProgram);
    this.#generators.push(generator);
    return generator;
  }

  /** Starts to measure costs. Call the result to get the costs since then. */
  meter(): () => Cost {
    const { pids } = this.server;
    resetPeak(pids);
    const generators = this.#generators.filter(({ running }) => running).map(({ pid }) => pid);
    const startMs = performance.now();
    const serverBefore = cpuSeconds(pids);
    const before = generators.map((pid) => cpuSeconds([pid]));
    return () => {
      const seconds = (performance.now() - startMs) / 1000;
      const busy = generators.map((pid, index) => (cpuSeconds([pid]) - (before[index] ?? 0)) / seconds);
      const serverSeconds = cpuSeconds(pids) - serverBefore;
      return {
        serverSeconds,
        serverCpu: (serverSeconds / seconds) * 100,
        generatorCpu: Math.max(0, ...busy) * 100,
        peakMemory: peakBytes(pids) / 1024 / 1024,
      };
    };
  }
}

async function within<Result>(timeoutMs: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It took more than ${timeoutMs / 1000} s.`)), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
