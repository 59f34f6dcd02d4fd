/**
 * A run of the chaos test against two servers in front of three NATS servers.
 * @module
 */
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { NetworkNamespace, NO_NAMESPACES } from "../../../test/fixture/network-namespace.ts";
import { NO_SMALL_DISK, smallDisk } from "../../../test/fixture/small-disk.ts";
import { addressOf, TcpProxy } from "../../../test/fixture/tcp-proxy.ts";
import { natsServer } from "../../lib/nats-server.ts";
import { Ledger } from "../ledger.ts";
import type { Options } from "../options.ts";
import { PathLife } from "../path-life.ts";
import type { Network } from "../proxy.ts";
import { Random } from "../random.ts";
import type { Outcome } from "../run.ts";
import { servedBy } from "../stored.ts";
import { type Fault, fullDisk, NATS_FAULTS, partition, SERVER_FAULTS } from "./faults.ts";
import { Scene, type SceneTerms } from "./scene.ts";

/** The grace period in milliseconds: longer than any fault. */
const GRACE_MS = 60_000;

/** How long paths are, as `drawPath` takes it: in a run of a minute or more, and in a shorter one. */
const LENGTH = { long: 2, short: 0.5 };

/** Milliseconds that paths may take to end after the last fault, in addition to the grace period. */
const PATIENCE_MS = 120_000;

/** How many faults a scene has before the next one is set up. */
const ROUNDS = 12;

/** The probability that a fault of the servers is inflicted together with one of NATS. */
const TOGETHER = 0.4;

/** The faults of servers that need no NATS: a server that ends cleanly has to release its paths. */
const UNAIDED = Object.keys(SERVER_FAULTS).filter((name) => !name.includes("restarted"));

/** The longest pause between two faults, in milliseconds. */
const MAX_CALM_MS = 4_000;

/** The longest stall of a connection, in milliseconds. */
const MAX_PAUSE_MS = 5_000;

/** Bytes of a disk that is filled. */
const DISK_BYTES = 128 * 1024 * 1024;

/** Seconds by which standstills are counted. */
const STANDSTILL_S = 5;

/** A kind of scene: its terms, the fault that only it has, and what undoes it. */
interface Setting {
  readonly terms: Partial<SceneTerms>;
  readonly special: Readonly<Record<string, Fault>>;
  undo(): Promise<void> | void;
}

/**
 * Runs the chaos test.
 *
 * @param say Is called with each line about the progress.
 * @throws {Error} if there is no nats-server.
 */
export async function runCluster(options: Options, say: (line: string) => void): Promise<Outcome> {
  const server = natsServer();
  if ("missing" in server) throw new Error(`There is no nats-server: ${server.missing}.`);
  say(`nats-server ${server.version}`);
  for (const reason of [NO_NAMESPACES, NO_SMALL_DISK]) if (reason !== undefined) say(`left out: ${reason}`);
  const beganMs = performance.now();
  const untilMs = beganMs + options.minutes * 60_000;
  const ledger = new Ledger((problem) => say(`problem: ${problem}`));
  const random = new Random(options.seed);
  const settings = [plainly, ...(NO_NAMESPACES ? [] : [inParts]), ...(NO_SMALL_DISK ? [] : [onSmallDisk])];
  for (let turn = 0; performance.now() < untilMs; turn++) {
    const setting = await settings[turn % settings.length]?.();
    if (!setting) break;
    const seed = random.fork("scene", turn).between(0, 2 ** 32 - 1);
    try {
      await new Stage({ options, ledger, say, untilMs, program: server.path, seed, setting }).run();
    } finally {
      await setting.undo();
    }
  }
  return { ledger, seconds: (performance.now() - beganMs) / 1000, kept: undefined };
}

function plainly(): Setting {
  return { terms: {}, special: {}, undo() {} };
}

function inParts(): Setting {
  const namespace = new NetworkNamespace();
  const special = { "a minority with its clients is cut from the majority": partition(namespace) };
  return { terms: { lab: { firstIn: namespace } }, special, undo: () => namespace.remove() };
}

async function onSmallDisk(): Promise<Setting> {
  const disk = await smallDisk(DISK_BYTES);
  const special = { "one disk of three is full": fullDisk(disk, DISK_BYTES) };
  return { terms: { lab: { firstFolder: disk.folder } }, special, undo: () => disk.remove() };
}

interface StageParts {
  readonly options: Options;
  readonly ledger: Ledger;
  readonly say: (line: string) => void;
  readonly untilMs: number;
  readonly program: string;
  readonly seed: number;
  readonly setting: Setting;
}

/** One scene, with rounds of faults, and with paths whose clients have a network that breaks. */
class Stage {
  readonly #parts: StageParts;
  readonly #random: Random;
  readonly #over = new AbortController();
  readonly #alive = new Set<PathLife>();

  constructor(parts: StageParts) {
    this.#parts = parts;
    this.#random = new Random(parts.seed);
  }

  async run(): Promise<void> {
    const { program, seed, setting, options, ledger } = this.#parts;
    const [runtime = "node"] = options.runtimes;
    const scene = await Scene.open({ program, seed, runtime, limits: { graceMs: GRACE_MS }, ...setting.terms });
    const problems = ledger.problems.length;
    try {
      const doors = await Promise.all(scene.urls.map((url) => TcpProxy.start([addressOf(url)])));
      const network = this.#network(scene, doors);
      const lanes = Promise.all(Array.from({ length: options.paths }, (_, at) => this.#lane(scene, network, at)));
      await this.#rounds(scene);
      this.#over.abort();
      await this.#calmDown(lanes);
      await Promise.all(doors.map((door) => door.close()));
      await scene.close();
    } catch (error) {
      ledger.problem((error as Error).stack ?? String(error));
    } finally {
      this.#over.abort();
      if (ledger.problems.length > problems) process.stderr.write(scene.output);
      await scene.destroy();
    }
  }

  async #rounds(scene: Scene): Promise<void> {
    const { setting, untilMs } = this.#parts;
    const faults: Readonly<Record<string, Fault>> = { ...NATS_FAULTS, ...SERVER_FAULTS, ...setting.special };
    // What only this scene has comes first.
    const special = Object.keys(setting.special);
    for (
      let round = 0;
      round < ROUNDS && (round < Math.max(1, special.length) || performance.now() < untilMs);
      round++
    ) {
      const chance = this.#random.fork("round", round);
      await sleep(chance.spread(50, MAX_CALM_MS));
      const name = special[round] ?? oneOf(chance, Object.keys(faults));
      const isOfNats = name in NATS_FAULTS;
      const other = isOfNats && chance.chance(TOGETHER) ? oneOf(chance, UNAIDED) : undefined;
      await this.#round(scene, [name, ...(other === undefined ? [] : [other])], faults);
    }
  }

  async #round(scene: Scene, names: readonly string[], faults: Readonly<Record<string, Fault>>): Promise<void> {
    const { ledger, say } = this.#parts;
    for (const name of names) ledger.count("blows", name);
    const report = await scene.under(async (loads) => {
      await Promise.all(names.map((name) => faults[name]?.(scene, loads)));
    });
    const { problems, bytes, longestMs, operations, unanswered } = report;
    for (const problem of problems) ledger.problem(`${names.join(" while ")}: ${problem}`);
    const seconds = Math.ceil(longestMs / 1000 / STANDSTILL_S) * STANDSTILL_S;
    ledger.count("standstill", `up to ${seconds} s`);
    ledger.count("race", "operations", operations);
    ledger.count("race", "without an answer", unanswered);
    ledger.count("bytes", "appended", bytes);
    ledger.count("bytes", "followed", bytes * scene.urls.length);
    ledger.count("compared", "rounds");
    const still = `${(longestMs / 1000).toFixed(1)} s`;
    say(`${names.join(", and ")}: stood still for ${still}, ${ledger.problems.length} problems so far`);
  }

  /** Runs one path after the other, through a network that breaks, until the scene is over. */
  async #lane(scene: Scene, network: Network, lane: number): Promise<void> {
    const { ledger, options } = this.#parts;
    const stored = servedBy(() => scene.urls);
    for (let turn = 0; !this.#over.signal.aborted; turn++) {
      const path = `lane-${lane}/${turn}.bin`;
      const random = this.#random.fork(path);
      const life = new PathLife({
        ...{ path, root: "", stored, random, network, graceMs: GRACE_MS },
        followers: options.followers,
        length: options.minutes < 1 ? LENGTH.short : LENGTH.long,
      });
      this.#alive.add(life);
      await life.run().catch((error: unknown) => ledger.problem(`/${path}: ${(error as Error).stack}`));
      this.#alive.delete(life);
    }
  }

  /** @param doors Lead to the servers, from this machine's own address. */
  #network(scene: Scene, doors: readonly TcpProxy[]): Network {
    const { signal } = this.#over;
    return {
      port: (server) => doors[server]?.port,
      endsSince: (sinceMs) => scene.endsSince(sinceMs),
      servers: scene.urls.length,
      maxPauseMs: MAX_PAUSE_MS,
      get isCalm() {
        return signal.aborted;
      },
      ledger: this.#parts.ledger,
    };
  }

  async #calmDown(lanes: Promise<unknown>): Promise<void> {
    const abortWait = new AbortController();
    const waiting = sleep(GRACE_MS + PATIENCE_MS, "late", { signal: abortWait.signal }).catch(() => {});
    const late = await Promise.race([lanes, waiting]);
    abortWait.abort();
    if (late !== "late") return;
    for (const { state } of this.#alive) {
      this.#parts.ledger.problem(`it does not come to an end, though all is calm: ${state}`);
    }
  }
}

function oneOf(random: Random, names: readonly string[]): string {
  return names[random.between(0, names.length - 1)] ?? "";
}
