/**
 * The store of a server, as its options name it.
 * @module
 */
import { resolve } from "node:path";
import type { FstreamOptions } from "../../fstream.ts";
import type { Durability } from "../../stores/file/durability.ts";
import { memoryStore } from "../../stores/memory.ts";
import { WrongUsage } from "../common/options.ts";
import { checkNatsFlags, refuseVisibleCredentials } from "../stores/check.ts";
import { natsStore } from "../stores/nats.ts";
import type { NatsFlags } from "../stores/options.ts";
import { parseStoreUrl, type StorePlace, shownPlace } from "../stores/store-url.ts";

/** The options about the store, parsed. */
export interface StoreFlags extends NatsFlags {
  readonly root: string;
  readonly store?: string;
  readonly durability: Durability;
}

/** Where the value of an option comes from, as commander reports it. */
export type SourceOf = (option: string) => string | undefined;

/** The store of a server. */
export interface ServedStore {
  /** The options of the app about it. */
  readonly options: Pick<FstreamOptions, "root" | "durability" | "store">;
  /** The folder, as an absolute path; undefined for a store without one. */
  readonly root: string | undefined;
  /** What to call it when the server starts. Has no password. */
  readonly name: string;
  /** A message before it is opened, because that may take some time; undefined for none. */
  readonly connecting: string | undefined;
  /** Warnings for the time when the server runs. */
  readonly warnings: readonly string[];
}

/**
 * Finds the place that the options name.
 *
 * @throws {WrongUsage} for options that exclude each other, or that the store has no use for.
 */
export function checkedPlace(flags: StoreFlags, sourceOf: SourceOf): StorePlace {
  const isGiven = (option: string): boolean => ["cli", "env"].includes(sourceOf(option) ?? "");
  if (flags.store === undefined) {
    checkNatsFlags(flags, [], "--store nats://…");
    return { kind: "file", folder: flags.root };
  }
  const place = parseStoreUrl(flags.store, "--store");
  if (sourceOf("store") === "cli") refuseVisibleCredentials(place, "--store");
  if (isGiven("root")) {
    throw new WrongUsage(
      "--root (or HTTPFSTREAM_ROOT) and --store (or HTTPFSTREAM_STORE) name two stores. Leave one of them out; " +
        "--store file:DIR is the same as --root DIR.",
    );
  }
  if (isGiven("durability") && place.kind !== "file") {
    const level =
      place.kind === "nats"
        ? "its NATS servers write to the disks of a majority before they acknowledge"
        : "nothing in memory survives the server";
    throw new WrongUsage(`--durability (or HTTPFSTREAM_DURABILITY) is for folders: ${level}. Leave it out.`);
  }
  checkNatsFlags(flags, [place], "--store nats://…");
  return place;
}

/**
 * Makes the store of a server.
 *
 * @throws {WrongUsage} for options that can't be used; an error with a sentence if a package or a file is missing.
 */
export async function servedStore(place: StorePlace, flags: StoreFlags): Promise<ServedStore> {
  switch (place.kind) {
    case "file": {
      const { folder } = place;
      const root = resolve(folder);
      const options = { root: folder, durability: flags.durability };
      return { options, root, name: root, connecting: undefined, warnings: [] };
    }
    case "memory": {
      const options = { store: memoryStore() };
      const warnings = ["What is appended is in memory only, and lost when the server ends."];
      return { options, root: undefined, name: "a store in memory", connecting: undefined, warnings };
    }
    case "nats": {
      const name = shownPlace(place);
      const options = { store: await natsStore(place.servers, flags) };
      const warnings = natsWarnings(name, flags);
      return { options, root: undefined, name, connecting: `connecting to ${name}`, warnings };
    }
  }
}

function natsWarnings(shown: string, { replicas = "1", storeUnsafeSync }: NatsFlags): string[] {
  const warnings: string[] = [];
  if (storeUnsafeSync) {
    warnings.push(
      "WARNING: UNSAFE. Whether the NATS servers write to their disks before they acknowledge is not checked: a power " +
        "cut or a full disk may lose acknowledged bytes. Use --store-monitor in place of --store-unsafe-sync.",
    );
  }
  if (replicas === "1" && shown.includes(",")) {
    warnings.push(
      "WARNING: each byte is stored on one of the NATS servers only. To survive the loss of one, use --replicas 3.",
    );
  }
  return warnings;
}
