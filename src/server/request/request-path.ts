/**
 * From a request to the resource that it names.
 *
 * The path comes from `c.req.path`, which Hono's router, and thus every guard in front of a mount, has used. It is
 * never derived again from the URL: runtimes build URLs from `Host` headers in different ways, and two readings of one
 * request would let it bypass a guard.
 * @module
 */
import type { Context } from "hono";
import { routePath } from "hono/route";
import { StreamError } from "../../protocol/errors.ts";
import { resourcePath } from "../../protocol/path.ts";

/** What a request names. */
export interface RequestPath {
  /** The resource path; empty for the root folder. */
  readonly path: string;
  /** Whether the URL ends with a slash, as the URL of a folder does. */
  readonly isFolder: boolean;
  /** The encoded URL path of the root folder, without a trailing slash, for links. */
  readonly base: string;
}

/** An absolute URL with an authority, up to its path. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#\\]+(?=[/?#]|$)/i;

/** The escapes that Hono's router leaves encoded: `decodeURI` does not decode them, and Hono keeps `%25`. */
const LEFT_BY_ROUTER = /%(?:2[3-6BCF]|3[ABDF]|40)/gi;

/**
 * The resource that a request names.
 *
 * @param target The target of the request line as the client sent it, where the runtime exposes it.
 * @throws {StreamError} `bad_path` for a path that {@link resourcePath} refuses; `bad_request` for a URL that the
 * router cannot have read correctly.
 * @throws {MountError} if the app is mounted at a path with a parameter or a wildcard.
 */
export function locate(c: Context, target?: string): RequestPath {
  const skip = mountOf(c).split("/").length - 1;
  if (target !== undefined) checkTarget(target);
  const raw = rawPath(c.req.url);
  const seen = c.req.path;
  const rest = seen.split("/").slice(1 + skip);
  for (const segment of rest) refuseHalfDecoded(segment, raw);
  const path = resourcePath(seen, { skip, folder: true, sent: raw });
  return { path, isFolder: seen.endsWith("/"), base: baseOf(raw, rest) };
}

/** The app is mounted where it cannot tell its paths apart. The app throws it to the error handler of its host app. */
export class MountError extends TypeError {
  override readonly name = "MountError";

  /** The response that Hono sends if the host app has no error handler. */
  getResponse(): Response {
    return new Response(`${this.message}\n`, {
      status: 500,
      headers: { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" },
    });
  }
}

/**
 * The path of the route that the app is mounted at; empty at the root.
 *
 * Hono's routers disagree about what a parameter is: for one of them, `/a-:b` has a parameter, and `/a-c` is the same
 * mount. The mount must therefore match the path literally.
 */
function mountOf(c: Context): string {
  const mount = routeOf(c).replace(/\/?\*$/, "");
  const isFixed = !/(^|\/):|\*/.test(mount) && `${c.req.path}/`.startsWith(`${mount}/`);
  if (!isFixed) {
    throw new MountError(
      `fstream() is mounted at "${mount}", which has a parameter or a wildcard. All paths that match it would share one ` +
        "folder, so all users would share their files. Mount one fstream() with a root of its own at each fixed path.",
    );
  }
  return mount;
}

/** The path of the route, even if the host app uses another copy of Hono, whose internals this copy cannot read. */
function routeOf(c: Context): string {
  try {
    return routePath(c);
  } catch (error) {
    // A property of the other copy, which newer versions may drop.
    const { routePath: told } = c.req as { routePath?: string };
    if (typeof told === "string") return told;
    throw new MountError(
      "fstream() can't determine where it is mounted: the app around it uses another copy of hono, because one copy is " +
        'imported and the other required, or because there are two versions. "npm ls hono" lists them; keep one.',
      { cause: error },
    );
  }
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
  const dots = pathname.split("/").find((segment) => /^(\.|%2e){1,2}$/i.test(segment));
  if (dots !== undefined) {
    throw new StreamError("bad_path", `The path ${JSON.stringify(pathname)} is refused: "." and ".." are not allowed.`);
  }
}

function unreadable(target: string): StreamError {
  const shown = target.length > 200 ? `${target.slice(0, 200)}…` : target;
  return new StreamError(
    "bad_request",
    `The path of the request ${JSON.stringify(shown)} can't be determined without a valid Host header. Send one.`,
  );
}
