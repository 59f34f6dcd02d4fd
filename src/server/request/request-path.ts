/**
 * From a request to the resource that it names.
 *
 * The path is taken from `c.req.path`, which is what Hono's router, and so every guard in front of a mount, has seen. It
 * is never derived a second time from the URL: runtimes build URLs from `Host` headers in ways of their own, and two
 * readings of one request would let it past a guard.
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
  /** Whether the URL ends with a slash, as that of a folder does. */
  readonly isFolder: boolean;
  /** The URL path under which the root folder is reached, encoded, without a trailing slash: for links. */
  readonly base: string;
}

/** An absolute URL with an authority, up to its path. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#\\]+(?=[/?#]|$)/i;

/** The escapes that Hono's router leaves alone: `decodeURI` does not decode them, and Hono keeps `%25`. */
const LEFT_BY_ROUTER = /%(?:2[3-6BCF]|3[ABDF]|40)/gi;

/**
 * The resource that a request names.
 *
 * @param target The target of the request line as it was sent, where the runtime tells.
 * @throws {StreamError} `bad_path` for a path that {@link resourcePath} refuses; `bad_request` for a URL that the router
 * can't have read as it is meant.
 * @throws {MountError} when the app is mounted at a path with a parameter or a wildcard.
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

/** An app is mounted where it can't tell its paths apart. Thrown out of the app, to the error handler of its host. */
export class MountError extends TypeError {
  override readonly name = "MountError";

  /** What Hono answers with when the host app has no error handler. */
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
 * Routers do not agree on what a parameter is: to one of Hono's, `/a-:b` has one, and `/a-c` is the same mount. So the
 * mount must be what stands in the path, letter by letter.
 */
function mountOf(c: Context): string {
  const mount = routeOf(c).replace(/\/?\*$/, "");
  const isFixed = !/(^|\/):|\*/.test(mount) && `${c.req.path}/`.startsWith(`${mount}/`);
  if (!isFixed) {
    throw new MountError(
      `fstream() is mounted at "${mount}", which has a parameter or a wildcard. Everything it stands for would share one ` +
        "folder: a file of one user would be the file of all. Mount one fstream() with a root of its own at each fixed path.",
    );
  }
  return mount;
}

/** The path of the route, also where the app around this one is made with another copy of hono, which ours can't look into. */
function routeOf(c: Context): string {
  try {
    return routePath(c);
  } catch (error) {
    // By a way of that copy's own, which newer ones may leave out.
    const { routePath: told } = c.req as { routePath?: string };
    if (typeof told === "string") return told;
    throw new MountError(
      "fstream() can't tell where it is mounted: the app around it is made with another copy of hono, as where one is " +
        'imported and the other required, or in two versions. "npm ls hono" lists them; leave one.',
      { cause: error },
    );
  }
}

/** Some runtimes resolve dot segments, and take a host out of an odd target, before the router sees them. */
function checkTarget(target: string): void {
  if (!target.startsWith("/") && !ORIGIN.test(target)) throw unreadable(target);
  refuseDots(target.replace(ORIGIN, "").replace(/[?#].*$/s, ""));
}

/** The path of a URL, encoded: for checks and links, not for finding files. */
function rawPath(url: string): string {
  // Bun gives no absolute URL without a usable Host, and Hono's router then drops the first part of the path.
  if (!ORIGIN.test(url)) throw unreadable(url);
  const path = url.replace(ORIGIN, "").replace(/[?#].*$/s, "");
  if (/%(?![\da-f]{2})/i.test(path)) {
    throw new StreamError("bad_path", `The path ${JSON.stringify(path)} is refused: it has a broken escape.`);
  }
  return path;
}

/**
 * Refuses a segment that could be spelled in another way, which a guard would have to know. Hono's own router has
 * decoded everything but {@link LEFT_BY_ROUTER}; an app with a `getPath` of its own may leave more encoded.
 */
function refuseHalfDecoded(segment: string, sent: string): void {
  const runs = segment.replace(LEFT_BY_ROUTER, "-").match(/(?:%[\da-f]{2})+/gi) ?? [];
  for (const run of runs) {
    const again = encodedAgain(run);
    if (again === run) continue;
    const why =
      again === undefined
        ? `"${run}" is not valid percent-encoded UTF-8`
        : `"${run}" has another spelling. Encode only what has to be, in capitals`;
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

/** What is left of a URL's path without the segments behind the mount, of which there are as many as the router saw. */
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
    throw new StreamError(
      "bad_path",
      `The path ${JSON.stringify(pathname)} is refused: "." and ".." lead nowhere here.`,
    );
  }
}

function unreadable(target: string): StreamError {
  const shown = target.length > 200 ? `${target.slice(0, 200)}…` : target;
  return new StreamError(
    "bad_request",
    `The path of the request ${JSON.stringify(shown)} can't be told without a usable Host header. Send one.`,
  );
}
