/**
 * Opens a store on NATS. Its packages are loaded only here: without such a store, they need not be installed.
 * @module
 */
import { readFile } from "node:fs/promises";
import type { Store } from "../../engine/storage/store.ts";
import type { JetStreamStoreOptions } from "../../stores/jetstream/mod.ts";
import { systemMessage } from "../common/error-line.ts";
import { WrongUsage } from "../common/options.ts";
import type { NatsFlags } from "./options.ts";

/** The store on NATS, as a module. */
type StoreModule = Pick<typeof import("../../stores/jetstream/mod.ts"), "jetstreamStore">;

const PACKAGES = ["@nats-io/transport-node", "@nats-io/jetstream"] as const;

/**
 * Makes a store on NATS. It does not connect yet.
 *
 * @param servers The URL of the servers.
 * @param load Loads the module. Default: the one of this package.
 * @throws {WrongUsage} for options that can't be used; an error with a sentence if a package or a file is missing.
 */
export async function natsStore(
  servers: string,
  flags: NatsFlags,
  load: () => Promise<StoreModule> = () => import("../../stores/jetstream/mod.ts"),
): Promise<Store> {
  const options = await natsOptions(servers, flags);
  const { jetstreamStore } = await load().catch((error: unknown) => {
    throw isMissing(error) ? new Error(MISSING, { cause: error }) : error;
  });
  try {
    return jetstreamStore(options);
  } catch (error) {
    throw error instanceof TypeError ? new WrongUsage(error.message) : error;
  }
}

/**
 * The options of the store.
 *
 * @throws an error with a sentence if a file can't be read.
 */
export async function natsOptions(servers: string, flags: NatsFlags): Promise<JetStreamStoreOptions> {
  const { replicas, storePrefix, storeMaxBytes, storeCreds, storeNkey, storeCa, storeCert, storeKey } = flags;
  const { storeMonitor, storeUnsafeSync } = flags;
  const [credentials, nkey, ca, cert, key] = await Promise.all([
    contentOf("--store-creds", storeCreds),
    contentOf("--store-nkey", storeNkey),
    contentOf("--store-ca", storeCa),
    contentOf("--store-cert", storeCert),
    contentOf("--store-key", storeKey),
  ]);
  const tls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  return {
    servers,
    ...(replicas !== undefined && { replicas: Number(replicas) }),
    ...(storePrefix !== undefined && { prefix: storePrefix }),
    ...(storeMaxBytes !== undefined && { maxBytes: storeMaxBytes }),
    ...(credentials !== undefined && { credentials }),
    ...(nkey !== undefined && { nkey }),
    ...(Object.keys(tls).length > 0 && { tls }),
    ...(storeUnsafeSync ? { unsafeSync: true } : { monitors: storeMonitor }),
  };
}

const MISSING =
  "A store on NATS needs two packages that are not installed. Install them beside httpfstream: " +
  `npm install ${PACKAGES.join(" ")} (with -g, if httpfstream was installed with -g).`;

/** Whether an import has failed because one of the packages is not there. */
function isMissing(error: unknown): boolean {
  if (!(error instanceof Error) || !PACKAGES.some((name) => error.message.includes(name))) return false;
  return /\b(cannot find|not found|could not|unable to resolve|not a dependency)\b/i.test(error.message);
}

async function contentOf(option: string, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Error(`${option} ${file} can't be read: ${systemMessage(error) ?? String(error)}.`, { cause: error });
  }
}
