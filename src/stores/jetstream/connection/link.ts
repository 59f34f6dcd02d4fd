/**
 * Connections to the NATS servers.
 * @module
 */
import { Buffer } from "node:buffer";
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
} from "@nats-io/transport-node";

/** Milliseconds for one attempt to connect. */
const CONNECT_MS = 5_000;

/** Milliseconds between two attempts. */
const RECONNECT_MS = 100;

/** Milliseconds between two pings. The client leaves a server that has not answered two. */
const PING_MS = 2_000;

/** What a connection needs. */
export interface LinkOptions {
  readonly servers: readonly string[];
  readonly credentials: string | undefined;
  readonly nkey: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
}

/** The servers of a list, and the settings in their URLs. */
export interface ConnectionUrls {
  /** As `host:port`. */
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly isEncrypted: boolean;
}

/**
 * Connects. From then on, the connection is established again whenever it breaks.
 *
 * @param name The name of the connection in the servers' reports.
 * @throws Errors of the client.
 */
export function openLink(options: LinkOptions, name: string): Promise<NatsConnection> {
  const { servers, credentials, nkey, user, password, tls } = options;
  const encoded = (text: string): Uint8Array => Buffer.from(text, "utf8");
  const authenticators: Authenticator[] = [
    ...(credentials === undefined ? [] : [credsAuthenticator(encoded(credentials))]),
    ...(nkey === undefined ? [] : [nkeyAuthenticator(encoded(nkey.trim()))]),
  ];
  return connect({
    servers: [...servers],
    name,
    timeout: CONNECT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    // A server that restarts may refuse credentials for a moment.
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    ...(authenticators.length > 0 && { authenticator: authenticators }),
    ...(user !== undefined && { user, pass: password ?? "" }),
    ...(tls && { tls: { ...tls } }),
  });
}

/**
 * Reads a list of servers.
 *
 * @throws {TypeError} for an empty list, and for an invalid server.
 */
export function connectionUrls(servers: string | readonly string[]): ConnectionUrls {
  const given = (typeof servers === "string" ? servers.split(",") : [...servers]).map((server) => server.trim());
  const urls = given.filter((server) => server !== "").map(parsed);
  const [first] = urls;
  if (!first) throw new TypeError('"servers" must name at least one NATS server, such as "nats://n1:4222".');
  const user = urls.find(({ username }) => username !== "");
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port || "4222"}`),
    user: user && decodeURIComponent(user.username),
    password: user && decodeURIComponent(user.password),
    isEncrypted: urls.some(({ protocol }) => protocol === "tls:"),
  };
}

function parsed(server: string): URL {
  const text = server.includes("://") ? server : `nats://${server}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && ["nats:", "tls:"].includes(url.protocol) && url.hostname !== "") return url;
  // It may contain a password.
  throw new TypeError(
    '"servers" has an entry that is no NATS server. Use "host:port", "nats://host:port" or "tls://…".',
  );
}
