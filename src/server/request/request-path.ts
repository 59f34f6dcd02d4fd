/**
 * From a request to the resource that it names.
 *
 * The path comes from `c.req.path`, which Hono's router, and thus every guard in front of a mount, has used. It is
 * never derived again from the URL: runtimes build URLs from `Host` headers in different ways, and two readings of one
 * request would let it bypass a guard.
 * @module
 */
import type { Context } from "hono";
import { StreamError } from "../../protocol/errors.ts";
import { checkedPath, resourcePath, resourceSegment } from "../../protocol/path.ts";
import { mountOf } from "./mount.ts";
import { folderOf, type Scope } from "./scope.ts";

/** What a request names. */
export interface RequestPath {
  /** The resource path; empty for the root folder. */
  readonly path: string;
  /** The folder that the request sees, of which {@link path} is a part; empty for the whole root. */
  readonly scope: string;
  /** The path as the client knows it: relative to the scope. */
  readonly below: string;
  /** Whether the URL names the whole scope, or ends with a slash, as the URL of a folder does. */
  readonly isFolder: boolean;
  /** The encoded URL path of the scope, without a trailing slash, for links. */
  readonly base: string;
}

/** An absolute URL with an authority, up to its path. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#\\]+(?=[/?#]|$)/i;

/** A segment that is `.` or `..`, encoded or not. */
const DOTS = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/** The escapes that Hono's router leaves encoded: `decodeURI` does not decode them, and Hono keeps `%25`. */
const LEFT_BY_ROUTER = /%(?:2[3-6BCF]|3[ABDF]|40)/gi;

/**
 * The resource that a request names.
 *
 * The path below the mount is checked on its own before the folder of the scope is put in front of it. So it can lead
 * neither out of that folder nor, if the scope is the whole root, into a reserved one.
 *
 * @param target The target of the request line as the client sent it, where the runtime exposes it.
 * @param scope Chooses the folder that the request sees. Default: the whole root.
 * @throws {StreamError} `bad_path` for a path that {@link resourcePath} refuses; `bad_request` for a URL that the
 * router cannot have read correctly.
 * @throws {MountError} if the app is mounted at a path with a wildcard, or with a parameter and without a scope.
 * @throws {TypeError} if the scope returns no folder.
 */
export function locate(c: Context, target?: string, scope?: Scope): RequestPath {
  const mount = mountOf(c, scope !== undefined);
  if (target !== undefined) checkTarget(target);
  const raw = rawPath(c.req.url);
  const seen = c.req.path;
  const segments = seen.split("/").slice(1);
  const rest = segments.slice(mount.length);
  for (const segment of scope ? segments : rest) refuseHalfDecoded(segment, raw);
  const below = resourcePath(seen, { skip: mount.length, folder: true, sent: raw });
  const found = { below, isFolder: below === "" || seen.endsWith("/"), base: baseOf(raw, rest) };
  if (!scope) return { ...found, path: below, scope: "" };
  // Hono decodes a parameter: the scope must not get a name with a slash, or one that leads to another folder.
  for (const [at, segment] of mount.entries()) if (segment.startsWith(":")) resourceSegment(segments[at] ?? "", raw);
  const folder = folderOf(scope, c, raw);
  const whole = [folder, below].filter((part) => part !== "").join("/");
  return { ...found, path: whole === "" ? "" : checkedPath(whole.split("/"), raw), scope: folder };
}

/** Some runtimes resolve dot segments, or take a host from an unusual target, before the router sees the path. */
function checkTarget(target: string): void {
  if (!target.startsWith("/") && !ORIGIN.test(target)) throw unreadable(target);
  refuseDots(target.replace(ORIGIN, "").replace(/[?#].*$/s, ""));
}

/** The encoded path of a URL, for checks and links but not for finding files. */
function rawPath(url: string): string {
  // Without a usable Host, Bun gives a URL that is not absolute, and Hono's router drops the first part of the path.
  if (!ORIGIN.test(url)) throw unreadable(url);
  const path = url.replace(ORIGIN, "").replace(/[?#].*$/s, "");
  if (/%(?![\da-f]{2})/i.test(path)) {
    throw new StreamError("bad_path", `The path ${JSON.stringify(path)} is refused: it has an invalid escape.`);
  }
  return path;
}

/**
 * Refuses a segment that has another spelling, which a guard would have to know. Hono's own router has decoded
 * everything but {@link LEFT_BY_ROUTER}; an app with its own `getPath` may leave more encoded.
 */
function refuseHalfDecoded(segment: string, sent: string): void {
  if (!segment.includes("%")) return;
  const runs = segment.replace(LEFT_BY_ROUTER, "-").match(/(?:%[\da-f]{2})+/gi) ?? [];
  for (const run of runs) {
    const again = encodedAgain(run);
    if (again === run) continue;
    const why =
      again === undefined
        ? `"${run}" is not valid percent-encoded UTF-8`
        : `"${run}" has another spelling. Encode only what must be encoded, in capitals`;
    throw new StreamError("bad_path", `The path ${JSON.stringify(sent)} is refused: ${why}.`);
  }
}

function encodedAgain(run: string): string | undefined {
  try {
    return encodeURIComponent(decodeURIComponent(run));
  } catch {
    return undefined;
  }
}

/** The URL's path without the segments below the mount, of which there are as many as the router saw. */
function baseOf(raw: string, rest: readonly string[]): string {
  const segments = raw.replace(/\/$/, "").split("/");
  const behind = rest.filter((segment) => segment !== "").length;
  return segments
    .slice(0, segments.length - behind)
    .join("/")
    .replace(/^\/+/, "/");
}

function refuseDots(pathname: string): void {
  if (DOTS.test(pathname)) {
    throw new StreamError("bad_path", `The path ${JSON.stringify(pathname)} is refused: "." and ".." are not allowed.`);
  }
}

function unreadable(target: string): StreamError {
  // The query may contain a token.
  const path = target.replace(/[?#].*$/s, "");
  const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path;
  return new StreamError(
    "bad_request",
    `The path of the request ${JSON.stringify(shown)} can't be determined without a valid Host header. Send one.`,
  );
}
