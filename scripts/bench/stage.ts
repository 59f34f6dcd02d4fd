/**
 * Where one measurement takes place: a fresh server with a fresh folder, load generators, and what all of it costs.
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Generator } from "./generator.ts";
import type { Numbers } from "./load.ts";
import type { Peer, Server } from "./peers/peer.ts";
import type { Size } from "./size.ts";
import { cpuSeconds, peakBytes, resetPeak } from "./usage.ts";

/** Milliseconds that one measurement may take. */
const TIMEOUT_MS = 900_000;

/** What a part of a measurement cost. */
export interface Cost {
  /** Seconds of processor time of the server. */
  readonly serverSeconds: number;
  /** The same in percent of the time that passed. */
  readonly serverCpu: number;
  /** The busiest load generator's, in percent. */
  readonly generatorCpu: number;
  /** The most memory of the server, in MiB. */
  readonly peakMemory: number;
}

/** What all measurements of a run have in common. */
export interface Setting {
  readonly size: Size;
  /** The run's folder. */
  readonly below: string;
  /** The load generators' program. */
  readonly generatorProgram: string;
}

/** A measurement's surroundings. */
export class Stage {
  readonly peer: Peer;
  /** Where the server has its data; removed at the end. */
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

  /** Sets up, has something measured, and clears away, whatever happens. */
  static async use(peer: Peer, setting: Setting, measure: (stage: Stage) => Promise<Numbers>): Promise<Numbers> {
    const folder = await mkdtemp(join(setting.below, `${peer.name}-`));
    try {
      const server = await peer.start(folder);
      const stage = new Stage(peer, setting, folder, server);
      try {
        return await within(TIMEOUT_MS, measure(stage));
      } finally {
        // Their connections first: then the server has nobody to wait for.
        await Promise.all(stage.#generators.map((generator) => generator.stop()));
        await server.stop();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** How much of everything, for this peer. */
  get size(): Size {
    return this.#setting.size;
  }

  /** The run's folder, where content that many need can be. */
  get below(): string {
    return this.#setting.below;
  }

  /** A load generator of its own. */
  generator(): Generator {
    const generator = new Generator(this.#setting.generatorProgram);
    this.#generators.push(generator);
    return generator;
  }

  /** Begins to count what is used; the result is what was, from then on. */
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
