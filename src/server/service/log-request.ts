/**
 * Requests and refusals in the log.
 * @module
 */
import type { Context } from "hono";
import { ERROR_HEADER, StreamError } from "../../protocol/errors.ts";
import { isNavigation, NAVIGATION_HEADERS } from "../gate/navigation.ts";
import { tokenPage } from "../gate/token-page.ts";
import { MountError } from "../request/mount.ts";
import { withMountPath } from "./mount-path.ts";
import { isFault, type Reporter } from "./reporter.ts";
import { requestIdOf, withRequestId } from "./request-id.ts";
import { refusal } from "./respond.ts";
import { Tally } from "./tally.ts";

/** What is known about a request so far, for its log lines and its response. */
export interface RequestDetails {
  /** Its id. */
  readonly requestId: string;
  /** What it comes to. */
  readonly tally: Tally;
  /** The client's address, where the runtime exposes it. */
  peer?: string;
  /** The resource path, once it is derived. */
  path?: string;
  /** The URL path at which the app is mounted; empty at the root. */
  base?: string;
  /** The folder that the request sees; empty for the whole root. */
  scope?: string;
  /** Whether the request has become a WebSocket. */
  upgraded?: boolean;
  /** Whether its version of HTTP forbids responses that mention an upgrade. */
  neverUpgrades?: boolean;
}

/**
 * Answers a request, or refuses it if that throws, and logs both: a refusal at once, a request when it has ended.
 *
 * @param answer Answers the request, and records what it learns about it.
 * @throws {MountError} if the app is mounted where it cannot tell its paths apart.
 * @throws {HTTPException} if the app's `scope` throws one.
 */
export async function logRequest(
  reporter: Reporter,
  c: Context,
  answer: (details: RequestDetails) => Promise<Response>,
): Promise<Response> {
  const startedMs = performance.now();
  const requestId = requestIdOf(c);
  const tally = new Tally();
  const details: RequestDetails = { requestId, tally };
  const response = await answer(details).catch((thrown: unknown) => refuse(reporter, c, details, thrown));
  if (reporter.hasLog) {
    const status = details.upgraded ? 101 : response.status;
    // A live response must not retain its request.
    const request = requestOf(c, details);
    tally.whenOver(() => {
      const durationMs = Math.round(performance.now() - startedMs);
      const { bytes, reason } = tally;
      reporter.log({ type: "request", ...request, status, bytes, durationMs, reason });
    });
  }
  // The platform has put it into the headers of an upgrade, which may be immutable.
  return details.upgraded ? response : withRequestId(response, requestId);
}

async function refuse(reporter: Reporter, c: Context, details: RequestDetails, thrown: unknown): Promise<Response> {
  // The mistake is the host app's, so its error handler gets the error.
  if (thrown instanceof MountError) reporter.failed(undefined, thrown);
  if (isForHost(thrown)) throw thrown;
  const error = StreamError.from(thrown);
  const { path, peer, requestId, tally } = details;
  tally.refused(error.code);
  reporter.traffic.refused(error.code);
  reporter.emit({
    type: "refused",
    method: c.req.method,
    ...(path !== undefined && { path }),
    error,
    ...(peer !== undefined && { peer }),
    requestId,
  });
  if (isFault(error)) reporter.failed(error.path ?? details.path, thrown, undefined, requestId);
  else if (isRefusal(c, error) && reporter.hasLog) {
    const { status, code } = error;
    const message = withMountPath(error.message, details);
    const where = details.path === undefined ? {} : { path: details.path };
    reporter.log({ type: "refusal", ...requestOf(c, details), ...where, status, code, message });
  }
  // The message of any other error may name files and hosts of the server.
  const told =
    thrown instanceof StreamError ? error : new StreamError(error.code, "The server failed. Its log says why.");
  const page = await tokenPageFor(c, told);
  if (page) return page;
  const response = refusal(told, details);
  if (details.neverUpgrades) response.headers.delete("Upgrade");
  return response;
}

/** The page that asks for a token, for a person whose browser has none; undefined for all other refusals. */
async function tokenPageFor(c: Context, { status, code, headers }: StreamError): Promise<Response | undefined> {
  const { "WWW-Authenticate": challenge = "" } = headers;
  // For another scheme, such as Basic, the browser itself asks.
  if (status !== 401 || !/^bearer\b/i.test(challenge) || !isNavigation(c)) return undefined;
  const { method } = c.req;
  return tokenPage({ status, method, vary: NAVIGATION_HEADERS }, { ...headers, [ERROR_HEADER]: code });
}

/** Whether an error brings its own response, like Hono's `HTTPException`, perhaps that of another copy of Hono. */
function isForHost(thrown: unknown): boolean {
  return thrown instanceof Error && "getResponse" in thrown;
}

/**
 * Whether an error is logged as a refusal. `lost` is not: the client is gone, and the end of its append is logged.
 * Neither is `upgrade_required` for a HEAD, with which clients only probe what kind of server this is.
 */
function isRefusal(c: Context, { code }: StreamError): boolean {
  return code !== "lost" && !(code === "upgrade_required" && c.req.method === "HEAD");
}

interface RequestName {
  readonly method: string;
  readonly target: string;
  readonly peer?: string;
  readonly requestId: string;
}

function requestOf(c: Context, { peer, requestId }: RequestDetails): RequestName {
  const { method, url } = c.req;
  const target = url.replace(/^[a-z+]+:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, "");
  return { method, target, ...(peer === undefined ? {} : { peer }), requestId };
}
