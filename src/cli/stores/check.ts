/**
 * Options of stores that exclude or need each other.
 * @module
 */
import { WrongUsage } from "../common/options.ts";
import type { NatsFlags } from "./options.ts";
import { hasCredentials, type StorePlace } from "./store-url.ts";

/** The variable for a URL with a password. */
const VARIABLE = "HTTPFSTREAM_STORE";

/**
 * Refuses a password where every user of the machine can read it.
 *
 * @param name What the user calls the value, such as `--store`.
 * @throws {WrongUsage} if the place has one.
 */
export function refuseVisibleCredentials(place: StorePlace, name: string): void {
  if (place.kind !== "nats" || !hasCredentials(place.servers)) return;
  throw new WrongUsage(
    `${name} can't have a user or a password: every user of a machine can read the command lines of its processes. ` +
      `Put the URL into the variable ${VARIABLE}, or use --store-creds or --store-nkey.`,
  );
}

/**
 * Checks the options of stores on NATS.
 *
 * @param places The stores that the command opens.
 * @param remedy How to name a store on NATS, such as `--store nats://…`.
 * @throws {WrongUsage} for options that none of the stores needs, that exclude each other, or that are missing.
 */
export function checkNatsFlags(flags: NatsFlags, places: readonly StorePlace[], remedy: string): void {
  const nats = places.filter((place) => place.kind === "nats");
  if (nats.length === 0) {
    const [idle] = givenFlags(flags);
    if (idle === undefined) return;
    throw new WrongUsage(`${idle} is for a store on NATS. Leave it out, or use ${remedy}.`);
  }
  const { storeCreds, storeNkey, storeCert, storeKey, storeMonitor, storeUnsafeSync } = flags;
  const hasUser = nats.some(({ servers }) => hasCredentials(servers));
  const logins = [
    ...(storeCreds === undefined ? [] : ["--store-creds"]),
    ...(storeNkey === undefined ? [] : ["--store-nkey"]),
    ...(hasUser ? ["the user in the URL"] : []),
  ];
  if (logins.length > 1) throw new WrongUsage(`Give either ${logins.join(" or ")}: a connection has one login.`);
  if ((storeCert === undefined) !== (storeKey === undefined)) {
    const [given, missing] = storeKey === undefined ? ["--store-cert", "--store-key"] : ["--store-key", "--store-cert"];
    throw new WrongUsage(`${given} needs ${missing}: a certificate and its private key belong together.`);
  }
  if (storeMonitor.some((url) => new URL(url).username !== "")) {
    throw new WrongUsage("--store-monitor can't have a user or a password: the monitoring port of NATS asks for none.");
  }
  if (storeUnsafeSync && storeMonitor.length > 0) {
    throw new WrongUsage("--store-unsafe-sync does without what --store-monitor proves. Leave one of them out.");
  }
  if (!storeUnsafeSync && storeMonitor.length === 0) throw new WrongUsage(NO_PROOF);
}

const NO_PROOF =
  "A store on NATS needs the proof that its servers write to their disks before they acknowledge. Set " +
  '"sync_interval: always" in their configuration, and name the monitoring port of each with --store-monitor, such as ' +
  "http://n1:8222. --store-unsafe-sync starts without the proof: a power cut or a full disk may then lose acknowledged bytes.";

/** The options that were given. */
function givenFlags(flags: NatsFlags): string[] {
  const { replicas, storePrefix, storeMaxBytes, storeCreds, storeNkey, storeCa, storeCert, storeKey } = flags;
  const values: Record<string, unknown> = {
    "--replicas": replicas,
    "--store-prefix": storePrefix,
    "--store-max-bytes": storeMaxBytes,
    "--store-creds": storeCreds,
    "--store-nkey": storeNkey,
    "--store-ca": storeCa,
    "--store-cert": storeCert,
    "--store-key": storeKey,
    "--store-monitor": flags.storeMonitor.length > 0 ? flags.storeMonitor : undefined,
    "--store-unsafe-sync": flags.storeUnsafeSync || undefined,
  };
  return Object.keys(values).filter((name) => values[name] !== undefined);
}
