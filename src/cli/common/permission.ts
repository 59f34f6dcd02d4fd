/**
 * Permissions that Deno users must grant.
 * @module
 */

/** The part of Deno's API that is used here. */
interface DenoPermissions {
  readonly permissions: { request(of: { name: "net"; host: string }): Promise<{ state: string }> };
}

/** How Deno's Node compatibility layer names all interfaces, with and without IPv6. */
const ALL = ["[::]", "0.0.0.0"];

/**
 * On Deno, requests permission to listen. Without this, Deno reports the denial where it cannot be caught.
 *
 * @throws {Error} with the required flag.
 */
export async function requestNetworkPermission(where: {
  readonly hostname?: string;
  readonly port: number;
}): Promise<void> {
  const { Deno } = globalThis as { Deno?: DenoPermissions };
  if (!Deno) return;
  const { hostname, port } = where;
  const hosts = hostname === undefined ? ALL : [hostname.includes(":") ? `[${hostname}]` : hostname];
  for (const host of hosts) {
    const { state } = await Deno.permissions.request({ name: "net", host: `${host}:${port}` });
    if (state === "granted") return;
  }
  throw new Error(
    `Deno does not allow this program to listen on ${hostname ?? "all interfaces"}, port ${port}. Run it with --allow-net or -A.`,
  );
}

/**
 * Deno's message about denied access to a file or folder, with the required flag; undefined for other errors.
 */
export function denialOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== "NotCapable") return undefined;
  return /--allow-(read|write)\b/.test(error.message) ? error.message : undefined;
}
