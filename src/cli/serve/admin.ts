/**
 * The second listener of the server, for the programs that watch it: probes and metrics, and nothing of the streams.
 * @module
 */
import { Hono } from "hono";
import { StreamError } from "../../protocol/errors.ts";

import { checkHost, type Hosts, namesOf } from "../../server/request/host.ts";
import { FLAG_HINTS } from "../../server/request/refusal-hints.ts";
import { WrongUsage } from "../common/options.ts";
import type { ListenAddress } from "./listen-address.ts";
import { isLoopback } from "./loopback.ts";
import type { Readiness } from "./readiness.ts";

/** The parts of the listener. */
export interface AdminParts {
  readonly readiness: Readiness;
  /** The text of the metrics. */
  readonly metrics: () => Promise<string>;
  /** The names that it answers to; undefined for any. */
  readonly hosts: Hosts | undefined;
}

const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Builds the app of the listener: `/healthz`, `/readyz` and `/metrics`.
 *
 * @example
 * ```ts
 * const { status } = await adminApp(parts).request("/readyz"); // 503 while the server shuts down
 * ```
 */
export function adminApp({ readiness, metrics, hosts }: AdminParts): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    // The listener is Node's HTTP server, whose target may be an absolute URL.
    const target = (c.env as { readonly incoming?: { readonly url?: string } } | undefined)?.incoming?.url;
    const names = namesOf(c, undefined, target);
    if (hosts) checkHost(names, hosts, FLAG_HINTS);
    await next();
    c.header("Cache-Control", "no-store");
    c.header("X-Content-Type-Options", "nosniff");
  });
  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", async (c) => {
    const obstacle = await readiness.obstacle();
    return obstacle === undefined ? c.text("ok\n") : c.text(`${obstacle}\n`, 503);
  });
  app.get("/metrics", async (c) => c.body(await metrics(), 200, { "Content-Type": METRICS_TYPE }));
  app.notFound((c) => c.text("Not found. This listener serves /healthz, /readyz and /metrics.\n", 404));
  app.onError((error) => refuse(error));
  return app;
}

function refuse(error: Error): Response {
  const { status, message } = StreamError.from(error);
  return new Response(`${message}\n`, { status, headers: { "Content-Type": "text/plain; charset=utf-8" } });
}

/**
 * Checks that the two listeners have different addresses.
 *
 * @throws {WrongUsage} if they have not.
 */
export async function checkDistinctAddresses(http: ListenAddress, admin: ListenAddress): Promise<void> {
  if (http.port === 0 || http.port !== admin.port) return;
  const [one, other] = [hostOf(http), hostOf(admin)];
  const isSame = one === undefined || other === undefined || one === other;
  if (!isSame && !((await isLoopback(one)) && (await isLoopback(other)))) return;
  throw new WrongUsage(`--http and --admin can't both have the port ${http.port}. Give --admin another one.`);
}

/** The host in lower case; undefined for all interfaces. */
function hostOf({ hostname }: ListenAddress): string | undefined {
  const host = hostname?.toLowerCase();
  return host === "0.0.0.0" || host === "::" ? undefined : host;
}
