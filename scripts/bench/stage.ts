/** The environment of one measurement: a server with an empty folder, load generators, a meter of their costs. @module */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds, resetPeak, residentBytes } from "../../test/fixture/descriptors.ts";
import { within } from "../../test/fixture/until.ts";
import type { Call, Openers } from "./generator/main.ts";
import type { AppendJob, FollowJob } from "./generator/protocol.ts";
import { cycle, nowNs } from "./generator/records.ts";
import type { Numbers } from "./loads/load.ts";
import { type Following, type Peer, type Server, startServer } from "./peers/peer.ts";
import { GIB, MIB, type Size } from "./size.ts";
import { end, isRunning } from "./system.ts";

/** Milliseconds after which a measurement fails. */
const TIMEOUT_MS = 900_000;

/** The environment of one measurement. */
export interface Stage {
  readonly peer: Peer;
  readonly size: Size;
  /** The folder of the run, and the folder with the server's data, which is removed at the end. */
  readonly below: string;
  readonly folder: string;
  readonly server: Server;
  /** Starts a load generator, which is stopped at the end. */
  readonly generator: () => Generator;
  /** Starts to measure costs. The result returns the costs since then, for a number of delivered bytes. */
  readonly meter: () => ReturnType<typeof startMeter>;
}

/** Sets up a stage, measures, and always cleans up. `program` is the path of the load generator's program. */
export async function onStage(
  { peer, size, below }: Pick<Stage, "peer" | "size" | "below">,
  program: string,
  measure: (stage: Stage) => Promise<Numbers>,
): Promise<Numbers> {
  const folder = await mkdtemp(join(below, `${peer.name}-`));
  const generators: Generator[] = [];
  try {
    const server = await startServer(peer, folder);
    const generator = (): Generator => {
      generators.push(startGenerator(program, server));
      return generators.at(-1) as Generator;
    };
    const meter = () => startMeter(server, generators);
    try {
      const measured = measure({ peer, size, below, folder, server, generator, meter });
      return await within(measured, "the measurement", TIMEOUT_MS);
    } finally {
      // Stop the generators first, so that the server does not wait for their connections.
      await Promise.all(generators.map(({ stop }) => stop()));
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function startMeter(server: Server, generators: readonly Generator[]) {
  const pids = server.pids();
  const running = generators.filter(({ child }) => isRunning(child)).map(({ child }) => child.pid ?? -1);
  resetPeak(pids);
  const before = running.map((pid) => cpuSeconds([pid]));
  const serverBefore = cpuSeconds(pids);
  const startMs = performance.now();
  return (bytes = Number.NaN) => {
    const seconds = (performance.now() - startMs) / 1000;
    const busy = running.map((pid, index) => cpuSeconds([pid]) - (before[index] ?? 0));
    const serverSeconds = cpuSeconds(pids) - serverBefore;
    return {
      serverSeconds,
      serverCpu: (serverSeconds / seconds) * 100,
      serverCost: serverSeconds / (bytes / GIB),
      generatorCpu: (Math.max(0, ...busy) / seconds) * 100,
      peakMemory: residentBytes(pids, "VmHWM") / MIB,
    };
  };
}

/** Other ways of appending over HTTP. `raw`: append with a verb, which needs no stream. */
export type AppendOptions = Omit<AppendJob, "target" | "recordBytes" | "count"> & { readonly how?: "append" | "raw" };

type Followers = Omit<FollowJob, "target"> & { readonly count?: number };

/** The methods of an object in another process. */
type Remote<Methods extends object> = {
  readonly [Name in keyof Methods]: Methods[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

export type Generator = ReturnType<typeof startGenerator>;

/** Starts a load generator for a server. `program` is the path of its compiled `main.js`. */
export function startGenerator(program: string, server: Server) {
  const child = spawn(process.execPath, [program], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const pending = new Map<number, (answer: { result?: unknown; error?: string }) => void>();
  let lastId = 0;
  child.on("message", ({ id, ...answer }: { id: number; result?: unknown; error?: string }) => {
    pending.get(id)?.(answer);
    pending.delete(id);
  });
  child.once("close", () => {
    for (const answered of pending.values()) answered({ error: "A load generator has ended." });
  });

  /** Executes a command. Rejects if the command fails or the process ends. */
  const call = (name: string, args: readonly unknown[], group?: number) =>
    new Promise<unknown>((resolve, reject) => {
      const id = ++lastId;
      pending.set(id, ({ result, error }) => (error === undefined ? resolve(result) : reject(new Error(error))));
      child.send(
        { id, group, name, args } satisfies Call,
        (error) => error && pending.get(id)?.({ error: error.message }),
      );
    });
  const open = async <Name extends keyof Openers>(name: Name, ...args: Parameters<Openers[Name]>) => {
    const group = Number(await call(name, args));
    const get = (known: object, method: string): unknown =>
      // An object with this method would be taken for a promise.
      Reflect.get(known, method) ?? (method === "then" ? undefined : (...args: unknown[]) => call(method, args, group));
    return new Proxy({}, { get }) as Remote<Awaited<ReturnType<Openers[Name]>>>;
  };
  return {
    child,
    stop: () => end(child, "SIGKILL"),
    /** Connects `count` appenders to a path, with records of a size in bytes. They flood, or keep a pace a second. */
    append(path: string, recordBytes: number, count = 1, { how = "append", ...more }: AppendOptions = {}) {
      return open("append", { target: server.at(how, path), recordBytes, count, ...more });
    },
    /** Connects followers or readers to a path. If one of them loses a byte, `received` rejects. */
    async follow(path: string, { count = 1, ...job }: Followers, how: Following = "follow") {
      const crowd = await open("follow", { ...job, target: server.at(how, path) });
      return Object.assign(crowd, { connected: await crowd.connect(count) });
    },
  };
}

/** The size of the records in large files and appends, in bytes. */
export const LARGE_RECORD_BYTES: number = 64 * 1024;
/** Milliseconds after which an append that is not stored counts as lost. */
const STORED_MS = 120_000;

/** Returns the path of a file of that size, which all measurements share. Do not modify it. */
export function contentFile({ below }: Stage, bytes: number): string {
  const file = join(below, `content-${bytes}`);
  if (existsSync(file)) return file;
  const whole = cycle(LARGE_RECORD_BYTES);
  for (let left = bytes; left > 0; left -= whole.length) appendFileSync(file, whole.subarray(0, left));
  return file;
}

/** Waits until bytes of a path are stored, and returns the time in nanoseconds, or 0 if the peer confirms appends. */
export async function untilStored({ server }: Stage, path: string, bytes: number): Promise<number> {
  if (server.at("append", path).dialect !== "frames") return 0;
  // Reading the size of the file costs the server nothing.
  const file = server.file(path);
  const stored = async (): Promise<number> => {
    if (file !== undefined) return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const { headers } = await fetch(server.at("read", path).url, { method: "HEAD" });
    return Number(headers.get("content-length") ?? 0);
  };
  for (const untilNs = nowNs() + STORED_MS * 1e6; (await stored()) < bytes; await sleep(2)) {
    if (nowNs() > untilNs) throw new Error(`${path} had fewer than ${bytes} bytes after ${STORED_MS / 1000} s.`);
  }
  return nowNs();
}
