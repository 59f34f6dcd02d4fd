/**
 * Requests and refusals in the log.
 * @module
 */
import type { Context } from "hono";
import { codeOfStatus, ERROR_HEADER, type ErrorCode, StreamError } from "../../protocol/errors.ts";
import { isHeaderName, isHeaderValue } from "../../protocol/header-value.ts";
import { REQUEST_ID_HEADER } from "../../protocol/request-id.ts";
import { loggedTarget } from "../../support/logged-target.ts";
import { isOwnResponse } from "../gate/check-decision.ts";
import { asksForPage, isNavigation, NAVIGATION_HEADERS } from "../gate/navigation.ts";
import { tokenPage } from "../gate/token-page.ts";
import { viewerPage } from "../viewer/page.ts";
import { messageFor } from "./mount-path.ts";
import { isFault, type Reporter } from "./reporter.ts";
import { requestIdOf, withRequestId } from "./request-id.ts";
import { RequestResult } from "./request-result.ts";
import { refusal } from "./respond.ts";

/** What is known about a request so far, for its log lines and its response. */
export interface RequestDetails {
  /** Its id. */
  readonly requestId: string;
  /** Its result. */
  readonly result: RequestResult;
  /** The client's address, where the runtime exposes it. */
  peer?: string;
  /** The resource path, once it is derived. */
  path?: string;
  /** The URL path at which the app is mounted; empty at the root. */
  base?: string;
  /** The folder that the request sees; empty for the whole root. */
  scope?: string;
  /** Whether navigations get the viewer page. */
  viewer?: boolean;
  /** Whether the request has become a WebSocket. */
  upgraded?: boolean;
  /** Whether its version of HTTP forbids responses that mention an upgrade. */
  neverUpgrades?: boolean;
}

/**
 * Answers a request, or refuses it if that throws, and logs both: a refusal at once, a request when it has ended.
 *
 * @param answer Answers the request, and records what it learns about it.
 * @throws {MountError} if the app is mounted where it cannot distinguish its paths.
 * @throws {HTTPException} if the app's `scope` or gate throws one. It is counted and logged before.
 */
export async function logRequest(
  reporter: Reporter,
  c: Context,
  answer: (details: RequestDetails) => Promise<Response>,
): Promise<Response> {
  const startedMs = performance.now();
  const requestId = requestIdOf(c);
  const result = new RequestResult();
  const details: RequestDetails = { requestId, result };
  const logWhenOver = (status: number): void => {
    if (!reporter.hasLog) return;
    // A live response must not retain its request.
    const request = requestOf(c, details);
    result.whenOver(() => {
      const durationMs = Math.round(performance.now() - startedMs);
      const { bytes, reason } = result;
      reporter.log({ type: "request", ...request, status, bytes, durationMs, reason });
    });
  };
  const response = await answer(details).catch((thrown: unknown) => {
    if (!isForHost(thrown)) return refuse(reporter, c, details, thrown);
    logWhenOver(leaveToHost(reporter, c, details, thrown));
    throw thrown;
  });
  if (isOwnResponse(response)) reportAnswerOfGate(reporter, c, details, response);
  logWhenOver(details.upgraded ? 101 : response.status);
  // The platform has put it into the headers of an upgrade, which may be immutable.
  return details.upgraded ? response : withRequestId(response, requestId);
}

/**
 * Reports an error that the host app's error handler answers.
 *
 * @returns The status that the error asks for.
 */
function leaveToHost(reporter: Reporter, c: Context, details: RequestDetails, thrown: HostError): number {
  // A `MountError` has no status.
  const { status = 500 } = thrown;
  const code = codeOfRefusal(status);
  reportRefusal(reporter, c, details, {
    thrown,
    error: new StreamError(code, thrown.message, { cause: thrown }),
    status,
  });
  // Hono puts it into what the error handler answers, unless that is a response which it has made by itself.
  c.header(REQUEST_ID_HEADER, details.requestId);
  return status;
}

/** The code that a refusal with the app's own status counts as. */
function codeOfRefusal(status: number): ErrorCode {
  return status === 500 ? "internal" : (codeOfStatus(status) ?? (status > 500 ? "internal" : "forbidden"));
}

/** Reports that the gate has refused a request with a response of its own. One below 400, such as a page, refuses nothing. */
function reportAnswerOfGate(reporter: Reporter, c: Context, details: RequestDetails, { status }: Response): void {
  if (status < 400) return;
  const error = new StreamError(codeOfRefusal(status), `The gate has answered with status ${status}.`);
  reportRefusal(reporter, c, details, { thrown: error, error, status });
}

/** Why a request is refused. */
interface Refused {
  readonly thrown: unknown;
  readonly error: StreamError;
  /** The status of the response. */
  readonly status: number;
}

/** Counts a refusal, logs it, and reports it to the listener. */
export function reportRefusal(
  reporter: Reporter,
  c: Context,
  details: RequestDetails,
  { thrown, error, status }: Refused,
): void {
  const { path, peer, requestId, result } = details;
  result.refused(error.code);
  reporter.traffic.refused(error.code);
  reporter.emit({
    type: "refused",
    method: c.req.method,
    ...(path !== undefined && { path }),
    error,
    ...(peer !== undefined && { peer }),
    requestId,
  });
  if (isFault(error)) reporter.failed(error.path ?? path, thrown, undefined, requestId);
  else if (isRefusal(c, error) && reporter.hasLog) {
    const message = messageFor(error, details);
    const where = path === undefined ? {} : { path };
    reporter.log({ type: "refusal", ...requestOf(c, details), ...where, status, code: error.code, message });
  }
}

async function refuse(reporter: Reporter, c: Context, details: RequestDetails, given: unknown): Promise<Response> {
  const thrown = sendable(given);
  const error = StreamError.from(thrown);
  reportRefusal(reporter, c, details, { thrown, error, status: error.status });
  // The message of any other error may name files and hosts of the server.
  const told =
    thrown instanceof StreamError ? error : new StreamError(error.code, "The server failed. Its log says why.");
  const page = await refusalPage(c, details, told);
  if (page) return page;
  const response = refusal(told, details);
  if (details.neverUpgrades) response.headers.delete("Upgrade");
  return response;
}

/**
 * The page for a navigation without a valid token, or to a path that does not exist yet; undefined for all other
 * refusals. The viewer asks for a token itself, and waits for the first byte.
 */
async function refusalPage(
  c: Context,
  { viewer = false, base }: RequestDetails,
  { status, code, headers: given }: StreamError,
): Promise<Response | undefined> {
  const { "WWW-Authenticate": challenge = "" } = given;
  // For another scheme, such as Basic, the browser itself asks.
  const isTokenMissing = status === 401 && /^bearer\b/i.test(challenge);
  const varies = isNavigation(c);
  if (!varies && !(viewer && asksForPage(c))) return undefined;
  const headers = { ...given, [ERROR_HEADER]: code };
  if (viewer && base !== undefined && (isTokenMissing || code === "not_found")) {
    return viewerPage(c, { status, base, varies }, headers);
  }
  return isTokenMissing ? tokenPage({ status, method: c.req.method, vary: NAVIGATION_HEADERS }, headers) : undefined;
}

/** The error itself, or another one if a header of it, which the host app may have chosen, can't be sent. */
function sendable(thrown: unknown): unknown {
  if (!(thrown instanceof StreamError)) return thrown;
  const [name] = Object.entries(thrown.headers).find((header) => !isSendable(header)) ?? [];
  if (name === undefined) return thrown;
  return new TypeError(`The header "${name}" of a StreamError can't be sent.`, { cause: thrown });
}

/** Whether a header can be sent. A program without types may pass a value that is not a string. */
function isSendable([name, value]: readonly [string, unknown]): boolean {
  return isHeaderName(name) && typeof value === "string" && isHeaderValue(value);
}

/** An error that brings its own response. */
type HostError = Error & { readonly status?: number };

/** Whether an error brings its own response, like Hono's `HTTPException`, perhaps that of another copy of Hono. */
function isForHost(thrown: unknown): thrown is HostError {
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
  return { method, target: loggedTarget(url), ...(peer === undefined ? {} : { peer }), requestId };
}
