/**
 * Serves in this process.
 * @module
 */
import { resolveLimits } from "../../engine/limits.ts";
import type { OnRefused } from "../../runtime/node/mod.ts";
import { DONE } from "../common/exit-codes.ts";
import { Interrupts } from "../common/interrupts.ts";
import { runtimeName, VERSION } from "../common/version.ts";
import { openInTime } from "../stores/open-in-time.ts";
import { checkDistinctAddresses } from "./admin.ts";
import { publicAccessLine } from "./gate.ts";
import { listen, listenForAdmin } from "./listen.ts";
import { localUrl } from "./listen-address.ts";
import { openLog } from "./log.ts";
import { isLoopback } from "./loopback.ts";
import { type Phase, Readiness } from "./readiness.ts";
import type { ServeFlags } from "./serve-flags.ts";
import { servedApp } from "./served-app.ts";
import { servedStore } from "./served-store.ts";
import type { Worker } from "./workers/worker.ts";

/**
 * Serves in this process until a signal arrives. A worker leaves probes, and everything that is announced, to the process
 * that has started it.
 *
 * @returns the exit code.
 * @throws {WrongUsage} if the options exclude each other; an error with a sentence if the store or the address can't be
 * used.
 */
export async function serveHere(flags: ServeFlags, worker: Worker | undefined): Promise<number> {
  const { log, announce } = await openLog({ format: flags.logFormat, level: flags.logLevel });
  const { admin, host, limit } = flags;
  if (admin) await checkDistinctAddresses(flags.http, admin);
  const isLocal = await isLoopback(flags.http.hostname);
  const stored = await servedStore(flags.place, flags);
  const app = await servedApp(flags, stored, log, isLocal);
  const interrupts = new Interrupts();
  let isServing = false;
  const phase = (): Phase => (interrupts.received ? "shutting down" : isServing ? "serving" : "starting");
  const parts = { readiness: new Readiness(stored.root, phase, app), metrics: () => app.streams.metrics() };
  const watched = admin && !worker ? await listenForAdmin(admin, host, parts) : undefined;
  const limits = resolveLimits(limit);
  const onRefused: OnRefused = ({ code }) => app.countRefusal(code);
  const http = worker?.port === undefined ? flags.http : { ...flags.http, port: worker.port };
  const settings = { ...http, ...limits, fetch: app.fetch, log, trustedProxies: flags.trustedProxy, onRefused };
  if (stored.connecting !== undefined && !worker) announce(stored.connecting);
  // A store that can't be used is found now, not by the first request.
  const server = await openInTime(() => app.open(), interrupts.signal)
    .then((isOpen) => (isOpen ? listen(settings) : undefined))
    .catch(async (error: unknown) => {
      await watched?.close(0);
      throw error;
    });
  // Nothing was served yet; the store that is being opened ends with the process.
  if (!server) return DONE;
  isServing = true;
  if (worker) worker.ready(server.port, app.metricsSnapshot);
  else {
    const url = localUrl({ ...flags.http, port: server.port });
    announce(`httpfstream ${VERSION} on ${runtimeName()}, serving ${stored.name} at ${url}`);
    if (admin && watched) announce(`probes and metrics at ${localUrl({ ...admin, port: watched.port })}`);
    const open = publicAccessLine(flags, isLocal);
    if (open !== undefined) announce(open);
    for (const warning of stored.warnings) announce(warning);
  }
  await interrupts.first;
  const deadlineMs = performance.now() + limits.shutdownTimeoutMs;
  await app.close(interrupts.received);
  await server.close(Math.max(0, deadlineMs - performance.now()));
  await app.closeStore();
  await worker?.leave(app.metricsSnapshot);
  // Last, so that probes see the whole shutdown.
  await watched?.close(0);
  return DONE;
}
