/**
 * Serves with several workers: processes that share the port and the folder.
 * @module
 */
import cluster from "node:cluster";
import { randomUUID } from "node:crypto";
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { resolveLimits } from "../../engine/limits.ts";
import { MetricsSum } from "../../metrics/sum.ts";
import type { RunningServer } from "../../runtime/node/mod.ts";
import { endGroup } from "../../stores/file/claims/group-lease.ts";
import { ownIdentity } from "../../stores/file/processes/process-identity.ts";
import { reservedIn } from "../../stores/file/reserved/layout.ts";
import { DONE, FAILED } from "../common/exit-codes.ts";
import { Interrupts } from "../common/interrupts.ts";
import { runtimeName, VERSION } from "../common/version.ts";
import { checkDistinctAddresses } from "./admin.ts";
import { publicAccessLine } from "./gate.ts";
import { assertFree, listenForAdmin } from "./listen.ts";
import { localUrl } from "./listen-address.ts";
import { openLog } from "./log.ts";
import { isLoopback } from "./loopback.ts";
import { Readiness } from "./readiness.ts";
import type { ServeFlags } from "./serve-flags.ts";
import { thisProgram } from "./workers/program.ts";
import { checkSharedPort, SHARES_LISTENER } from "./workers/shared-port.ts";
import { WorkerGroup } from "./workers/worker-group.ts";
import { WorkerProcess } from "./workers/worker-process.ts";

/** Milliseconds within which a worker reports its metrics. Otherwise those that it has reported before count. */
const MEASURE_MS = 2_000;

/** Milliseconds that the end of a worker may take beside what its connections get. */
const END_MS = 10_000;

/**
 * Starts workers, and replaces those that die, until a signal arrives.
 *
 * @returns the exit code: that of the first worker that can't start, which has said why.
 * @throws {WrongUsage} if workers can't share a port here; errors with a sentence if the second address can't be used.
 */
export async function supervise(flags: ServeFlags, count: number): Promise<number> {
  await checkSharedPort();
  if (!SHARES_LISTENER) await assertFree(flags.http);
  if (flags.admin) await checkDistinctAddresses(flags.http, flags.admin);
  const { announce } = await openLog({ format: flags.logFormat, level: flags.logLevel });
  const interrupts = new Interrupts();
  const { exec, args } = thisProgram();
  cluster.setupPrimary({ exec, args: [...args] });
  const identity = { id: randomUUID(), ...ownIdentity() };
  const sum = new MetricsSum();
  const group = new WorkerGroup({
    count,
    fork: (number, port) => new WorkerProcess({ number, group: identity, port }),
    sharesListener: SHARES_LISTENER,
    endMs: resolveLimits(flags.limit).shutdownTimeoutMs + END_MS,
    announce,
    onLastMetrics: (metrics) => sum.add(metrics),
  });
  // Before the first worker starts: without a listener, the signal ends the process.
  if (process.platform !== "win32") process.on("SIGUSR2", () => void group.roll());
  // Also after a second signal, which does not wait for them.
  process.once("exit", () => group.kill());
  // A worker may ignore that its terminal was closed.
  const signal = (): NodeJS.Signals => (interrupts.received === "SIGINT" ? "SIGINT" : "SIGTERM");
  void interrupts.first.then(() => group.stop(signal()));
  let watched: RunningServer | undefined;
  try {
    watched = await watch(flags, { group, sum, interrupts });
    const started = await group.start();
    if (interrupts.received === undefined && typeof started !== "number") return started.code || FAILED;
    if (typeof started === "number") await say(flags, { port: started, count, watched, announce });
    await interrupts.first;
  } finally {
    await group.stop(signal());
    end(flags.root, identity);
    // Last, so that probes see the whole shutdown.
    await watched?.close(0);
  }
  return DONE;
}

/** Listens for probes and for requests of the metrics, which are those of all workers. */
async function watch(
  { admin, host, root }: ServeFlags,
  { group, sum, interrupts }: { group: WorkerGroup; sum: MetricsSum; interrupts: Interrupts },
): Promise<RunningServer | undefined> {
  if (!admin) return undefined;
  const readiness = new Readiness(resolve(root), () => {
    if (interrupts.received) return "shutting down";
    return group.ready.length > 0 ? "serving" : "starting";
  });
  const metrics = async (): Promise<string> => {
    await group.measure(MEASURE_MS);
    // In one turn: a worker that has ended by now is in the sum already.
    return sum.text(group.metrics, ownMetrics(group));
  };
  return listenForAdmin(admin, host, { readiness, metrics });
}

function ownMetrics({ ready, deaths }: WorkerGroup): Parameters<MetricsSum["text"]>[1] {
  return [
    { name: "httpfstream_workers", help: "Workers that serve.", type: "gauge", value: ready.length },
    {
      name: "httpfstream_worker_deaths_total",
      help: "Workers that ended unexpectedly, or could not start.",
      type: "counter",
      value: deaths,
    },
  ];
}

async function say(
  flags: ServeFlags,
  {
    port,
    count,
    watched,
    announce,
  }: { port: number; count: number; watched: RunningServer | undefined; announce: (line: string) => void },
): Promise<void> {
  const { http, admin, root } = flags;
  const workers = `${count} worker${count === 1 ? "" : "s"}`;
  const what = `httpfstream ${VERSION} on ${runtimeName()}, ${workers}`;
  announce(`${what}, serving ${resolve(root)} at ${localUrl({ ...http, port })}`);
  if (admin && watched) announce(`probes and metrics at ${localUrl({ ...admin, port: watched.port })}`);
  const open = publicAccessLine(flags, await isLoopback(http.hostname));
  if (open !== undefined) announce(open);
}

/** Gives the lease of the workers up. */
function end(root: string, identity: { readonly id: string }): void {
  try {
    endGroup(reservedIn(realpathSync(resolve(root))), identity);
  } catch {
    // The root may not exist, if no worker could start.
  }
}
