/**
 * Reads the monitoring ports of the servers: whether they write to their disks before they acknowledge, and how much
 * room they have.
 * @module
 */
import { StreamError } from "../../../protocol/errors.ts";

/** The oldest version of the server that this store works with. */
const LEAST_VERSION: readonly [number, number] = [2, 12];

/** Milliseconds for one request. */
const REQUEST_MS = 3_000;

/** What a server says about itself. */
export interface ServerReport {
  readonly name: string;
  /** Bytes that JetStream may store there. */
  readonly maxBytes: number | undefined;
}

/** The part of `/varz` that is used here. */
interface Varz {
  readonly server_name?: unknown;
  readonly version?: unknown;
  readonly jetstream?: { readonly config?: { readonly sync_always?: unknown; readonly max_storage?: unknown } };
}

/**
 * Asks servers whether they write to their disks before they acknowledge.
 *
 * @throws {StreamError} `storage` for one that does not, or that is too old; `unavailable` for one that does not answer.
 */
export function reportsOf(monitors: readonly string[]): Promise<ServerReport[]> {
  return Promise.all(monitors.map(reportOf));
}

/**
 * Checks that each server that stores something has reported.
 *
 * @param names The names of the servers that store something.
 * @throws {StreamError} `storage` if one is missing.
 */
export function assertAllReported(reports: readonly ServerReport[], names: Iterable<string>): void {
  const reported = new Set(reports.map(({ name }) => name));
  const missing = [...new Set(names)].filter((name) => !reported.has(name));
  if (missing.length === 0) return;
  throw new StreamError(
    "storage",
    `The NATS servers ${missing.join(", ")} store data, but no monitor of theirs is given. Add the URLs of their monitoring ports, or allow a start without that proof.`,
  );
}

/**
 * Checks the version of a server.
 *
 * @throws {StreamError} `storage` for one that is too old.
 */
export function assertVersion(name: string, version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor, leastMinor] = LEAST_VERSION;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return;
  throw new StreamError(
    "storage",
    `The NATS server ${name} has version ${version}; this store needs ${LEAST_VERSION.join(".")} or later.`,
  );
}

async function reportOf(monitor: string): Promise<ServerReport> {
  const url = new URL("/varz", monitor).href;
  const varz = await fetch(url, { signal: AbortSignal.timeout(REQUEST_MS) }).then(
    async (response) => (response.ok ? ((await response.json()) as Varz) : undefined),
    (cause: unknown) => {
      throw new StreamError("unavailable", `The monitoring port ${url} does not answer.`, { cause });
    },
  );
  const { server_name: name, version, jetstream } = varz ?? {};
  if (typeof name !== "string" || typeof version !== "string") {
    throw new StreamError("storage", `${url} is not the monitoring port of a NATS server.`);
  }
  assertVersion(name, version);
  const { sync_always: isSafe, max_storage: maxBytes } = jetstream?.config ?? {};
  if (isSafe !== true) {
    throw new StreamError(
      "storage",
      `The NATS server ${name} acknowledges before its disk has the bytes. Set "sync_interval: always" in its "jetstream" block, or allow a start without it.`,
    );
  }
  return { name, maxBytes: typeof maxBytes === "number" && maxBytes > 0 ? maxBytes : undefined };
}
