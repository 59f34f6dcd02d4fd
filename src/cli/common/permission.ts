/**
 * What Deno allows a program only where its user says so.
 * @module
 */

/** The part of Deno that is used here. */
interface DenoPermissions {
  readonly permissions: { request(of: { name: "net"; host: string }): Promise<{ state: string }> };
}

/** How Node's part of Deno names all interfaces, where there is IPv6 and where there is none. */
const ALL = ["[::]", "0.0.0.0"];

/**
 * Asks for leave to listen, where it needs one. Deno's own error comes where nothing can catch it.
 *
 * @throws {Error} with the flag that gives it.
 */
export async function askForNetwork(where: { readonly hostname?: string; readonly port: number }): Promise<void> {
  const { Deno } = globalThis as { Deno?: DenoPermissions };
  if (!Deno) return;
  const { hostname, port } = where;
  const hosts = hostname === undefined ? ALL : [hostname.includes(":") ? `[${hostname}]` : hostname];
  for (const host of hosts) {
    const { state } = await Deno.permissions.request({ name: "net", host: `${host}:${port}` });
    if (state === "granted") return;
  }
  throw new Error(
    `Deno does not let this program listen on ${hostname ?? "all interfaces"}, port ${port}: run it with --allow-net, or with -A.`,
  );
}

/**
 * What Deno says of a file or folder that a program was not allowed to read or write, with the flag that allows it; nothing
 * of other errors.
 */
export function denialOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== "NotCapable") return undefined;
  return /--allow-(read|write)\b/.test(error.message) ? error.message : undefined;
}
