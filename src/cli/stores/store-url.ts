/**
 * The URL of a store, as users give it to the commands.
 * @module
 */
import { fileURLToPath } from "node:url";
import { WrongUsage } from "../common/options.ts";

/** Where a store is. */
export type StorePlace =
  | { readonly kind: "file"; readonly folder: string }
  | { readonly kind: "memory" }
  /** The servers, as one text that may contain a password. */
  | { readonly kind: "nats"; readonly servers: string };

/** What a URL may begin with. */
const SCHEMES = "file: (a folder), memory:, nats:// or tls:// (NATS servers)";

/**
 * Parses the URL of a store. No message repeats what may be a password.
 *
 * @param name What the user calls the value, such as `--store`.
 * @throws {WrongUsage} for an unknown scheme, and for a URL that names nothing.
 * @example
 * ```ts
 * parseStoreUrl("file:./data", "--store"); // { kind: "file", folder: "./data" }
 * parseStoreUrl("nats://n1,n2:4222", "--store"); // { kind: "nats", servers: "nats://n1,n2:4222" }
 * ```
 */
export function parseStoreUrl(text: string, name: string): StorePlace {
  const [, scheme = "", rest = ""] = /^([a-z][a-z\d+.-]*):(.*)$/is.exec(text) ?? [];
  switch (scheme.toLowerCase()) {
    case "file":
      return { kind: "file", folder: folderOf(text, rest, name) };
    case "memory":
      if (rest === "" || rest === "//") return { kind: "memory" };
      throw new WrongUsage(`${name} memory: has nothing behind its colon: a store in memory has no place.`);
    case "nats":
    case "tls":
      if (/^\/\/[^/]/.test(rest)) return { kind: "nats", servers: text };
      throw new WrongUsage(`${name} must name the NATS servers, such as ${scheme.toLowerCase()}://n1:4222,n2:4222.`);
    default:
      throw new WrongUsage(unknownScheme(text, scheme, name));
  }
}

/** Whether a URL of NATS servers has a user or a password. */
export function hasCredentials(servers: string): boolean {
  return servers.includes("@");
}

/**
 * The URL of a store for messages: without users and passwords.
 *
 * @example
 * ```ts
 * shownPlace({ kind: "nats", servers: "nats://me:secret@n1:4222,n2" }); // "nats://n1:4222,n2"
 * ```
 */
export function shownPlace(place: StorePlace): string {
  if (place.kind === "file") return `file:${place.folder}`;
  if (place.kind === "memory") return "memory:";
  const shown = place.servers.split(",").map((server) => server.trim().replace(/^([a-z]+:\/\/)?.*@/is, "$1"));
  return shown.filter((server) => server !== "").join(",");
}

function folderOf(url: string, rest: string, name: string): string {
  // Without an authority, it is a path as it is: `file:./data`, also with a percent sign in it.
  const folder = rest.startsWith("//") ? pathOf(url, name) : rest;
  if (folder !== "") return folder;
  throw new WrongUsage(`${name} file: must name a folder, such as file:./data or file:///var/lib/streams.`);
}

function pathOf(url: string, name: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw new WrongUsage(
      `${name} file: must name a folder of this machine, such as file:./data or file:///var/lib/streams.`,
    );
  }
}

function unknownScheme(text: string, scheme: string, name: string): string {
  if (scheme !== "") return `There is no store "${scheme}:". ${name} must begin with ${SCHEMES}.`;
  const folder = text === "" || text.includes("@") ? "" : ` For the folder ${text}, use file:${text}.`;
  return `${name} must begin with ${SCHEMES}.${folder}`;
}
