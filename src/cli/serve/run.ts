/**
 * Runs the standalone server.
 * @module
 */
import { accessSync, constants } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { LogLevel } from "@logtape/logtape";
import { type Limits, resolveLimits } from "../../engine/limits.ts";
import { type FstreamOptions, standalone } from "../../fstream.ts";
import { RESERVED_SEGMENT } from "../../protocol/path.ts";
import type { StreamApp } from "../../server/app.ts";
import type { Deletes } from "../../server/request/deletes.ts";
import { makeFolderSync } from "../../stores/file/folders/folder.ts";
import { systemMessage } from "../common/error-line.ts";
import { DONE } from "../common/exit-codes.ts";
import { Interrupts } from "../common/interrupts.ts";
import { WrongUsage } from "../common/options.ts";
import { denialOf } from "../common/permission.ts";
import { runtimeName, VERSION } from "../common/version.ts";
import { openInTime } from "../stores/open-in-time.ts";
import type { StorePlace } from "../stores/store-url.ts";
import { checkDistinctAddresses } from "./admin.ts";
import { gateOf, publicAccessLine } from "./gate.ts";
import type { GateFlags } from "./gate-options.ts";
import { listen, listenForAdmin } from "./listen.ts";
import { type ListenAddress, localUrl } from "./listen-address.ts";
import { type LogFormat, openLog } from "./log.ts";
import { isLoopback, nameOf } from "./loopback.ts";
import { type Phase, Readiness } from "./readiness.ts";
import { type StoreFlags, servedStore } from "./served-store.ts";
import { Worker } from "./workers/worker.ts";

/** The options of the command, parsed. */
export interface ServeFlags extends GateFlags, StoreFlags {
  /** The store that the options name. */
  readonly place: StorePlace;
  readonly http: ListenAddress;
  readonly port?: number;
  readonly admin?: ListenAddress;
  readonly host: readonly string[];
  readonly trustedProxy: readonly string[];
  readonly origin: readonly string[];
  readonly cors?: boolean;
  readonly listings: boolean;
  readonly durableStreams: boolean;
  readonly viewer: boolean;
  readonly webhooks?: boolean;
  readonly publicUrl?: string;
  readonly cacheSeconds: number;
  readonly deletes?: Deletes;
  readonly limit: Partial<Limits>;
  /** How many processes serve; `auto`: one per processor. */
  readonly workers?: number | "auto";
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}

/**
 * Serves until a signal arrives: in this process, as one of several workers, or with workers.
 *
 * @returns the exit code.
 * @throws {WrongUsage} if the options exclude each other; an error with a sentence if the store or the address can't be
 * used.
 */
export async function run(flags: ServeFlags): Promise<number> {
  const worker = Worker.join();
  if (worker || flags.workers === undefined) return serveHere(flags, worker);
  // Imported only now: a server without workers starts without loading it.
  const { supervise } = await import("./supervise.ts");
  return supervise(flags, flags.workers === "auto" ? availableParallelism() : flags.workers);
}

/** Serves in this process. A worker leaves probes, and everything that is announced, to the process that has started it. */
async function serveHere(flags: ServeFlags, worker: Worker | undefined): Promise<number> {
  const { log, announce } = await openLog({ format: flags.logFormat, level: flags.logLevel });
  const {
    admin,
    listings,
    durableStreams,
    viewer,
    webhooks = false,
    publicUrl,
    cacheSeconds,
    deletes,
    cors = false,
    origin,
    host,
    limit,
  } = flags;
  if (admin) await checkDistinctAddresses(flags.http, admin);
  const authorize = await gateOf(flags, (error) => {
    const { message } = error;
    log({ type: "error", message, error });
  });
  const isLocal = await isLoopback(flags.http.hostname);
  // Other machines may use host names that the server cannot know. A page with a name of its own has no token, but may do
  // what needs no token.
  const isNamed = host.length > 0 || (isLocal && (!authorize || Object.keys(flags.anonymous).length > 0));
  // The server prints this name in its URL, so it must accept it.
  const hosts = isNamed ? { hosts: [...host, ...nameOf(flags.http.hostname)] } : {};
  const stored = await servedStore(flags.place, flags);
  const { root } = stored;
  const app = createApp({
    ...stored.options,
    listings,
    durableStreams,
    viewer,
    webhooks,
    ...(publicUrl !== undefined && { publicUrl }),
    cacheSeconds,
    ...(deletes !== undefined && { deletes }),
    cors,
    origins: origin,
    trustedProxies: flags.trustedProxy,
    ...hosts,
    ...(authorize && { authorize }),
    limits: limit,
    metrics: admin !== undefined,
    log,
  });
  if (root !== undefined) checkWritable(root);
  const interrupts = new Interrupts();
  let isServing = false;
  const phase = (): Phase => (interrupts.received ? "shutting down" : isServing ? "serving" : "starting");
  const parts = { readiness: new Readiness(root, phase, app), metrics: () => app.streams.metrics() };
  const watched = admin && !worker ? await listenForAdmin(admin, host, parts) : undefined;
  const { refusedUploadMs, headersTimeoutMs, shutdownTimeoutMs } = resolveLimits(limit);
  const onLateHeaders = (): void => app.countRefusal("idle");
  const http = worker?.port === undefined ? flags.http : { ...flags.http, port: worker.port };
  const settings = { ...http, fetch: app.fetch, log, refusedUploadMs, headersTimeoutMs, onLateHeaders };
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
  const deadlineMs = performance.now() + shutdownTimeoutMs;
  await app.close(interrupts.received);
  await server.close(Math.max(0, deadlineMs - performance.now()));
  await app.closeStore();
  await worker?.leave(app.metricsSnapshot);
  // Last, so that probes see the whole shutdown.
  await watched?.close(0);
  return DONE;
}

function createApp(options: FstreamOptions): StreamApp {
  try {
    return standalone(options);
  } catch (error) {
    throw error instanceof TypeError ? new WrongUsage(error.message) : error;
  }
}

/** Fails at startup rather than at the first append. */
function checkWritable(root: string): void {
  try {
    accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK);
    // Root ignores the permission bits, and some file systems do not report them correctly.
    makeFolderSync(join(root, RESERVED_SEGMENT));
  } catch (error) {
    const why = systemMessage(error) ?? denialOf(error);
    // Other errors, such as Deno's missing permission for this check, do not concern the folder.
    if (why) throw new Error(`The root folder ${root} can't be written to: ${why}.`, { cause: error });
  }
}
