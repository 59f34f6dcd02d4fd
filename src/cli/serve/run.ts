/**
 * Runs the standalone server: in one process, or with workers.
 * @module
 */
import { availableParallelism } from "node:os";
import type { ServeFlags } from "./serve-flags.ts";
import { serveHere } from "./serve-here.ts";
import { Worker } from "./workers/worker.ts";

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
