/**
 * From a request to its resource.
 *
 * The path comes from `c.req.path`, which Hono's router, and thus every guard in front of a mount, has used. It is
 * never derived again from the URL: runtimes build URLs from `Host` headers in different ways, and two readings of one
 * request would let it bypass a guard.
 * @module
 */
import type { Context } from "hono";
import { StreamError } from "../../protocol/errors.ts";
import { checkedPath, resourcePath, resourceSegment, shortened } from "../../protocol/path.ts";
import { mountOf } from "./mount.ts";
import { folderOf, type Scope } from "./scope.ts";

/** The resource of a request. */
export interface RequestPath {
  /** The resource path; empty for the root folder. */
  readonly path: string;
  /** The folder that the request sees, of which {@link path} is a part; empty for the whole root. */
  readonly scope: string;
  /** The path as the client knows it: relative to the scope. */
  readonly below: string;
  /** Whether the URL is that of the whole scope, or ends with a slash, as the URL of a folder does. */
  readonly isFolder: boolean;
  /** The encoded URL path of the scope, without a trailing slash, for links. */
  readonly base: string;
}

/** The part of a URL behind a reserved segment. */
export interface ReservedPath extends RequestPath {
  /** The segments behind the reserved one, as the router has seen them. */
  readonly behind: readonly string[];
  /** The encoded URL path in front of the reserved segment, without a trailing slash. */
  readonly front: string;
}

/** An absolute URL with an authority, up to its path. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#\\]+(?=[/?#]|$)/i;

/** A segment that is `.` or `..`, encoded or not. */
const DOTS = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/** The escapes that Hono's router leaves encoded: `decodeURI` does not decode them, and Hono keeps `%25`. */
const LEFT_BY_ROUTER = /%(?:2[3-6BCF]|3[ABDF]|40)/gi;

/**
 * The resource of a request.
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
  const { url, path: seen } = c.req;
  const isKnown =
    url === latest.url && target === latest.target && seen === latest.seen && mount.length === latest.skip;
  if (!scope && isKnown && latest.found) return latest.found;
  if (target !== undefined) checkTarget(target);
  const found = resourceOf(c, mount, rawPath(url), seen, scope);
  if (!scope) latest = { url, target, seen, skip: mount.length, found };
  return found;
}

/**
 * As {@link locate}, for a path with a reserved segment: what stands in front of it names the resource, and what stands
 * behind it is left to the caller. Undefined if there is no such segment below the mount.
 *
 * @throws As {@link locate}.
 */
export function locateReserved(c: Context, reserved: string, target?: string, scope?: Scope): ReservedPath | undefined {
  const segments = c.req.path.split("/");
  const mount = mountOf(c, scope !== undefined);
  const at = segments.indexOf(reserved, 1 + mount.length);
  if (at === -1) return undefined;
  if (target !== undefined) checkTarget(target);
  const raw = rawPath(c.req.url).split("/");
  // The router may see fewer segments at the beginning, and never at the end.
  const front = raw.slice(0, raw.length - (segments.length - at)).join("/");
  const behind = segments.slice(at + 1);
  return { ...resourceOf(c, mount, front || "/", segments.slice(0, at).join("/") || "/", scope), behind, front };
}

/** The resource at a path: encoded as the client sent it, and as the router has seen it. */
function resourceOf(
  c: Context,
  mount: readonly string[],
  raw: string,
  seen: string,
  scope: Scope | undefined,
): RequestPath {
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

/** The last request that was located without a scope: the followers of a resource often come in crowds, with one URL. */
let latest: {
  readonly url: string;
  readonly target: string | undefined;
  readonly seen: string;
  readonly skip: number;
  readonly found: RequestPath | undefined;
} = { url: "", target: undefined, seen: "", skip: 0, found: undefined };

/** Some runtimes resolve dot segments, or read a host from an unusual target, before the router sees the path. */
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
    throw new StreamError(
      "bad_path",
      `The path ${JSON.stringify(shortened(path))} is refused: it has an invalid escape.`,
    );
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
        ? `"${shortened(run)}" is not valid percent-encoded UTF-8`
        : `"${shortened(run)}" has another spelling. Encode only what must be encoded, in capitals`;
    throw new StreamError("bad_path", `The path ${JSON.stringify(shortened(sent))} is refused: ${why}.`);
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
    throw new StreamError(
      "bad_path",
      `The path ${JSON.stringify(shortened(pathname))} is refused: "." and ".." are not allowed.`,
    );
  }
}

function unreadable(target: string): StreamError {
  // The query may contain a token.
  const path = target.replace(/[?#].*$/s, "");
  return new StreamError(
    "bad_request",
    `The path of the request ${JSON.stringify(shortened(path))} can't be determined without a valid Host header. Send one.`,
  );
}
