/**
 * The listeners of the server.
 * @module
 */
import { once } from "node:events";
import { createServer } from "node:net";
import { type RunningServer, type ServeOptions, serve } from "../../runtime/node/mod.ts";
import { Hosts } from "../../server/request/host.ts";
import { systemMessage } from "../common/error-line.ts";
import { requestNetworkPermission } from "../common/permission.ts";
import { type AdminParts, adminApp } from "./admin.ts";
import type { ListenAddress } from "./listen-address.ts";
import { isLoopback, nameOf } from "./loopback.ts";

/** Listens for probes and for requests of the metrics. `host`: the names that it answers to, besides those of its address. */
export async function listenForAdmin(
  admin: ListenAddress,
  host: readonly string[],
  parts: Omit<AdminParts, "hosts">,
): Promise<RunningServer> {
  const isNamed = host.length > 0 || (await isLoopback(admin.hostname));
  const hosts = isNamed ? new Hosts([...host, ...nameOf(admin.hostname)]) : undefined;
  const { fetch } = adminApp({ ...parts, hosts });
  return listen({ ...admin, fetch });
}

/**
 * Listens.
 *
 * @throws an error with a sentence if the address can't be used.
 */
export async function listen(options: ServeOptions): Promise<RunningServer> {
  await requestNetworkPermission(options);
  return await serve(options).catch((error: unknown) => throwRefused(options, error));
}

/**
 * Checks that no other program listens at an address. Workers that share a port with one another would share it with that
 * program, too.
 *
 * @throws an error with a sentence if the address can't be used.
 */
export async function assertFree({ hostname, port }: ListenAddress): Promise<void> {
  const server = createServer();
  server.listen({ port, ...(hostname !== undefined && { host: hostname }) });
  await once(server, "listening").catch((error: unknown) =>
    throwRefused({ ...(hostname && { hostname }), port }, error),
  );
  server.close();
  await once(server, "close");
}

function throwRefused({ hostname = "all interfaces", port }: ListenAddress, error: unknown): never {
  throw new Error(`Can't listen on ${hostname}, port ${port}: ${systemMessage(error) ?? String(error)}.`, {
    cause: error,
  });
}
