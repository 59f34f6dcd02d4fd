/**
 * How to open a store on NATS JetStream.
 * @module
 */
import { nearestName } from "../../support/nearest-name.ts";
import { connectionUrls } from "./connection/link.ts";

/** How to open a `jetstreamStore`. */
export interface JetStreamStoreOptions {
  /**
   * The NATS servers, as `host`, `host:port` or URLs with `nats:` or `tls:`. It is enough if one answers, because it
   * names the others. A URL may have a user and a password.
   */
  servers: string | readonly string[];
  /**
   * On how many servers each byte is stored: 1, 3 or 5. Fixed when the installation is created; the store refuses to
   * open an installation with another number. Default 1.
   */
  replicas?: number;
  /** Distinguishes installations on the same servers: lower-case letters, digits and `-`, at most 16. Default `hfs`. */
  prefix?: string;
  /** How many streams the paths are spread over, 1 to 64. Fixed when the installation is created. Default 8. */
  shards?: number;
  /** Milliseconds without a sign of life after which the paths of this server may be taken from it. Default 10,000, at least 1,000. */
  leaseMs?: number;
  /** Milliseconds for which an append is tried again before it fails with `unavailable`. Default 30,000. */
  giveUpMs?: number;
  /** Bytes of all paths together at which appends are refused. Default: 80 % of what the servers or the account offer. */
  maxBytes?: number;
  /** Milliseconds for which a removed path stays on record, so that its last appender can't bring it back. Default 24 hours. */
  tombstoneMs?: number;
  /** The content of a `.creds` file. Default: none. */
  credentials?: string;
  /** The seed of an nkey. Default: none. */
  nkey?: string;
  /** The user. Default: that of the first URL. */
  user?: string;
  /** The password. Default: that of the first URL. */
  password?: string;
  /** Certificates in PEM. With `{}`, the connection must be encrypted. Default: encrypted for URLs with `tls:`. */
  tls?: JetStreamTlsOptions;
  /**
   * The URLs of the monitoring ports of all servers, such as `http://n1:8222`. They prove that each server writes to its
   * disk before it acknowledges (`sync_interval: always`).
   */
  monitors?: readonly string[];
  /**
   * Whether to start without that proof. Acknowledged bytes may then be lost in a power cut, or when a disk is full.
   */
  unsafeSync?: boolean;
}

/** Certificates of a connection, in PEM. */
export interface JetStreamTlsOptions {
  /** That of the authority that has signed the servers' certificates. Default: the authorities of the system. */
  ca?: string;
  /** The client's certificate. Default: none. */
  cert?: string;
  /** Its private key. */
  key?: string;
}

/** The options with their defaults. */
export interface Settings extends Readonly<Omit<Required<JetStreamStoreOptions>, Optional>> {
  readonly servers: readonly string[];
  readonly shards: number | undefined;
  readonly maxBytes: number | undefined;
  readonly credentials: string | undefined;
  readonly nkey: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly tls: JetStreamTlsOptions | undefined;
}

type Optional = "servers" | "shards" | "maxBytes" | "credentials" | "nkey" | "user" | "password" | "tls";

const NAMES: Readonly<Record<keyof JetStreamStoreOptions, true>> = {
  servers: true,
  replicas: true,
  prefix: true,
  shards: true,
  leaseMs: true,
  giveUpMs: true,
  maxBytes: true,
  tombstoneMs: true,
  credentials: true,
  nkey: true,
  user: true,
  password: true,
  tls: true,
  monitors: true,
  unsafeSync: true,
};

/** A day. */
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Checks the options, and fills in the defaults.
 *
 * @throws {TypeError} for an option that can't be used.
 */
export function settingsOf(options: JetStreamStoreOptions): Settings {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(NAMES, name)) continue;
    const nearest = nearestName(name, Object.keys(NAMES));
    throw new TypeError(`There is no option "${name}".${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`);
  }
  const { replicas = 1, prefix = "hfs", shards, leaseMs = 10_000, giveUpMs = 30_000, maxBytes } = options;
  const { tombstoneMs = DAY_MS, monitors = [], unsafeSync = false } = options;
  if (![1, 3, 5].includes(replicas)) throw new TypeError(`"replicas" must be 1, 3 or 5, not ${replicas}.`);
  if (!/^[a-z][a-z0-9-]{0,15}$/.test(prefix)) {
    throw new TypeError(`"prefix" must be up to 16 lower-case letters, digits and "-", not ${JSON.stringify(prefix)}.`);
  }
  if (shards !== undefined) assertWhole("shards", shards, 1, 64);
  assertWhole("leaseMs", leaseMs, 1_000, 600_000);
  assertWhole("giveUpMs", giveUpMs, 1_000, 600_000);
  assertWhole("tombstoneMs", tombstoneMs, 1_000, 365 * DAY_MS);
  if (maxBytes !== undefined) assertWhole("maxBytes", maxBytes, 1, Number.MAX_SAFE_INTEGER);
  for (const url of monitors) assertHttp(url);
  if (monitors.length === 0 && !unsafeSync) {
    throw new TypeError(
      'The store must know that the NATS servers write to their disks before they acknowledge: set "sync_interval: always" in their configuration, and give the URLs of their monitoring ports in "monitors". With "unsafeSync", the store opens without that proof, and a power cut or a full disk may lose what was acknowledged.',
    );
  }
  const { credentials, nkey, tls } = options;
  const urls = connectionUrls(options.servers);
  const { user = urls.user, password = urls.password } = options;
  return {
    ...{ servers: urls.servers, replicas, prefix, shards, leaseMs, giveUpMs, maxBytes, tombstoneMs },
    ...{ credentials, nkey, user, password, monitors, unsafeSync },
    tls: tls ?? (urls.isEncrypted ? {} : undefined),
  };
}

function assertWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new TypeError(`"${name}" must be a whole number from ${least} to ${most}, not ${String(value)}.`);
}

function assertHttp(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === "http:" || parsed?.protocol === "https:") return;
  throw new TypeError(`"monitors" must be URLs such as "http://n1:8222", not ${JSON.stringify(url)}.`);
}
