/**
 * A whole run: starts the servers, inflicts faults, runs paths, and checks what is left behind.
 * @module
 */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { removeFolder, temporaryFolder } from "../../test/fixture/temp.ts";
import { until } from "../../test/fixture/until.ts";
import { Facts } from "./durable/facts.ts";
import { Direct } from "./durable/requests.ts";
import { StreamLife } from "./durable/stream-life.ts";
import { Fleet } from "./fleet.ts";
import { expectNoLeaks } from "./leaks.ts";
import { Ledger } from "./ledger.ts";
import type { Options } from "./options.ts";
import { PathLife, type PathParts } from "./path-life.ts";
import { pipelineAgain } from "./pipeline.ts";
import type { Network } from "./proxy.ts";
import { Random } from "./random.ts";
import { ReplacedLife } from "./replaced.ts";
import { filesIn, type StoredPaths } from "./stored.ts";
import { storm } from "./storm.ts";

/** The grace period in milliseconds: of a run of a minute or more, and of a shorter one. */
const GRACE_MS = { long: 30_000, short: 6_000 };

/** Milliseconds between two lines about the progress. */
const PROGRESS_MS = 10_000;

/** Milliseconds that paths may take to end after the last fault, in addition to the grace period. */
const PATIENCE_MS = 90_000;

/** The outcome of a run. */
export interface Outcome {
  readonly ledger: Ledger;
  readonly seconds: number;
  /** The folder with the files and the servers' output; undefined if there was no problem. */
  readonly kept: string | undefined;
}

/**
 * Runs the chaos test.
 *
 * @param say Is called with each line about the progress.
 */
export async function run(options: Options, say: (line: string) => void): Promise<Outcome> {
  const beganMs = performance.now();
  const chaos = new Chaos(options, await temporaryFolder("chaos"), say);
  const kept = await chaos.run();
  return { ledger: chaos.ledger, seconds: (performance.now() - beganMs) / 1000, kept };
}

type Life = PathLife | ReplacedLife | StreamLife;

class Chaos {
  readonly ledger: Ledger;
  readonly #options: Options;
  readonly #folder: string;
  readonly #root: string;
  readonly #stored: StoredPaths;
  readonly #random: Random;
  readonly #graceMs: number;
  readonly #isShort: boolean;
  readonly #say: (line: string) => void;
  readonly #alive = new Set<Life>();
  readonly #facts = new Facts();
  readonly #over = new AbortController();
  #phase = "striking";

  constructor(options: Options, folder: string, say: (line: string) => void) {
    this.#options = options;
    this.#folder = folder;
    this.#root = join(folder, "root");
    this.#stored = filesIn(this.#root);
    this.#random = new Random(options.seed);
    this.#isShort = options.minutes < 1;
    this.#graceMs = this.#isShort ? GRACE_MS.short : GRACE_MS.long;
    this.#say = say;
    this.ledger = new Ledger((problem) => say(`problem: ${problem}`));
  }

  /** Resolves with the folder of the run if there was a problem; else the folder is removed. */
  async run(): Promise<string | undefined> {
    const { runtimes, minutes, durability } = this.#options;
    const { ledger } = this;
    const [root, folder, graceMs] = [this.#root, this.#folder, this.#graceMs];
    const fleet = await Fleet.start({ root, folder, runtimes, graceMs, durability, ledger });
    const progressTimer = setInterval(() => this.#say(this.#progress()), PROGRESS_MS);
    try {
      const lanes = this.#lanes(fleet);
      const storm = this.#storm(fleet);
      const pipelining = this.#pipeline(fleet);
      await sleep(minutes * 60_000);
      await this.#during("striking", this.#enoughFaults());
      this.#over.abort();
      await this.#during("waiting for the servers to be back", storm);
      await this.#during("waiting for the pipelining clients to leave", pipelining);
      await this.#during("waiting for every path to come to its end", this.#calmDown(lanes));
      await this.#during("killing all servers", this.#killAll(fleet));
      await this.#during("reading what is left of the streams", this.#expectFacts(fleet));
      await this.#during("looking for leaks", expectNoLeaks(fleet, ledger));
      await this.#during("looking for what was left behind", this.#expectNothingLeft());
      await this.#during("stopping the servers", fleet.stop());
    } finally {
      clearInterval(progressTimer);
      await fleet.destroy();
    }
    if (ledger.problems.length > 0) {
      await writeFile(join(this.#folder, "servers.log"), fleet.output);
      return this.#folder;
    }
    await removeFolder(this.#folder);
    return undefined;
  }

  /** Waits for `work` and shows `what` in the progress lines meanwhile. */
  async #during(what: string, work: Promise<unknown>): Promise<void> {
    this.#phase = what;
    await work;
  }

  #storm(fleet: Fleet): Promise<void> {
    return storm(fleet, {
      random: this.#random.fork("storm"),
      maxCalmMs: this.#isShort ? 4_000 : 10_000,
      longSleeps: !this.#isShort,
      signal: this.#over.signal,
    });
  }

  #pipeline(fleet: Fleet): Promise<void> {
    return pipelineAgain({
      random: this.#random.fork("pipelined"),
      ledger: this.ledger,
      port: (random) => fleet.port(random.between(0, fleet.size - 1)),
      paths: () => [...this.#alive].map(({ path }) => path),
      maxCalmMs: this.#isShort ? 500 : 2_000,
      signal: this.#over.signal,
    });
  }

  #network(fleet: Fleet): Network {
    const { signal } = this.#over;
    return {
      port: (server) => fleet.port(server),
      endsSince: (sinceMs) => fleet.endsSince(sinceMs),
      servers: fleet.size,
      maxPauseMs: this.#isShort ? 1_500 : 5_000,
      get isCalm() {
        return signal.aborted;
      },
      ledger: this.ledger,
    };
  }

  async #lanes(fleet: Fleet): Promise<void> {
    const network = this.#network(fleet);
    const { paths, streams, replaced } = this.#options;
    const bytes = Array.from({ length: paths }, (_, lane) =>
      this.#lane(`lane-${lane}`, ".bin", network, (parts) => {
        const Life = parts.random.fork("life").chance(replaced) ? ReplacedLife : PathLife;
        return new Life(parts);
      }),
    );
    const durable = Array.from({ length: streams }, (_, lane) =>
      this.#lane(`stream-${lane}`, ".txt", network, (parts) => new StreamLife(parts, this.#facts)),
    );
    await Promise.all([...bytes, ...durable]);
  }

  /** Runs one path after the other until the run is over. */
  async #lane(folder: string, extension: string, network: Network, begin: (parts: PathParts) => Life): Promise<void> {
    for (let turn = 0; !this.#over.signal.aborted; turn++) {
      const path = `${folder}/${turn}${extension}`;
      const life = begin({
        path,
        root: this.#root,
        stored: this.#stored,
        random: this.#random.fork(path),
        network,
        graceMs: this.#graceMs,
        followers: this.#options.followers,
        length: this.#isShort ? 1 : 2,
      });
      this.#alive.add(life);
      await life.run().catch((error: unknown) => this.ledger.problem(`/${path}: ${(error as Error).stack}`));
      this.#alive.delete(life);
    }
  }

  async #killAll(fleet: Fleet): Promise<void> {
    await Promise.all(Array.from({ length: fleet.size }, (_, server) => fleet.strike(server, "kill -9", 0)));
  }

  /** Checks that streams are as their clients have left them. */
  async #expectFacts(fleet: Fleet): Promise<void> {
    const direct = new Direct(this.#network(fleet), this.#random.fork("facts"));
    await this.#facts.check(direct, this.#root, this.ledger);
  }

  /** Waits for a minimum number of faults, which a short run on a slow machine may not have reached yet. */
  async #enoughFaults(): Promise<void> {
    const { paths } = this.#options;
    const enough = (): boolean => this.ledger.total("faults") >= paths && this.ledger.total("blows") > 0;
    await until("enough faults", enough, PATIENCE_MS).catch((error: Error) => this.ledger.problem(error.message));
  }

  async #calmDown(lanes: Promise<void>): Promise<void> {
    const abortWait = new AbortController();
    const waiting = sleep(this.#graceMs + PATIENCE_MS, "late", { signal: abortWait.signal }).catch(() => {});
    const late = await Promise.race([lanes, waiting]);
    abortWait.abort();
    if (late === undefined) return;
    for (const { state } of this.#alive)
      this.ledger.problem(`it does not come to an end, though all is calm: ${state}`);
  }

  /** Checks that the servers' own files about appends are removed when these have ended. */
  async #expectNothingLeft(): Promise<void> {
    const reserved = join(this.#root, ".httpfstream");
    const left = async (): Promise<string[]> => {
      const entries = await readdir(reserved, { recursive: true, withFileTypes: true });
      const files = entries
        // The link `claims` keeps earlier versions out.
        .filter((entry) => !entry.isDirectory() && entry.name !== "claims")
        .map(({ parentPath, name }) => join(parentPath, name));
      // The records of paths are kept, and the logs and forks of streams.
      const kept = ["streams", "durable", "forks"].map((name) => join(reserved, name));
      return files.filter((file) => !kept.some((folder) => file.startsWith(folder)));
    };
    await until("nothing to be left", async () => (await left()).length === 0).catch(async () => {
      this.ledger.problem(`these were left behind: ${(await left()).join(" ")}`);
    });
  }

  #progress(): string {
    const { ledger } = this;
    const megabytes = (ledger.total("bytes", "followed") / 1e6).toFixed(1);
    return [
      `${ledger.total("compared", "files")} paths done, ${this.#alive.size} under way`,
      `${megabytes} MB followed`,
      `${ledger.total("connections", "accepted")} connections`,
      `${ledger.total("blows")} blows`,
      `${ledger.problems.length} problems`,
      this.#phase,
    ].join(", ");
  }
}
