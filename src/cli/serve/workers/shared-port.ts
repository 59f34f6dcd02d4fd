/**
 * Whether several processes can share a port here.
 * @module
 */
import cluster from "node:cluster";
import process from "node:process";
import { WrongUsage } from "../../common/options.ts";

/** The part of Deno that is used here. */
interface DenoPermissions {
  readonly permissions: { request(of: { name: "run" }): Promise<{ state: string }> };
}

/**
 * Whether one listener accepts connections for all workers, in the process that started them. On Bun, each worker has
 * its own listener at the same port.
 */
export const SHARES_LISTENER: boolean = process.versions.bun === undefined;

/**
 * Checks that workers can share a port on this runtime and system.
 *
 * @throws {WrongUsage} with the reason if they can't.
 */
export async function checkSharedPort(): Promise<void> {
  const { bun, deno } = process.versions;
  const runtime = bun ? "Bun" : deno ? "Deno" : "Node";
  const instead = "Run it with Node, or without --workers.";
  if (runtime !== "Node" && process.platform !== "linux") {
    throw new WrongUsage(
      `--workers needs Linux with ${runtime}: on ${process.platform}, its processes can't share a port. ${instead}`,
    );
  }
  if (typeof cluster.fork !== "function") {
    throw new WrongUsage(`--workers needs node:cluster, which this version of ${runtime} does not have. ${instead}`);
  }
  const { Deno } = globalThis as { Deno?: DenoPermissions };
  if (Deno && (await Deno.permissions.request({ name: "run" })).state !== "granted") {
    throw new WrongUsage("Deno does not allow this program to start its workers. Run it with -A.");
  }
}
