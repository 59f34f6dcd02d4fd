/**
 * Where an app is mounted in its host app.
 * @module
 */
import type { Context } from "hono";
import { routePath } from "hono/route";

/** The app is mounted where it cannot distinguish its paths. The app throws it to the error handler of its host app. */
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

/** A parameter that is a whole segment, with an optional pattern in braces. */
const PARAMETER = /^:[\w-]+(?:\{(.+)\})?$/;

/**
 * Patterns that cannot match a slash: letters, digits, groups, alternatives and repetitions; classes of letters, digits
 * and a few signs. Everything else, such as `.+` or `[^x]`, could match the segments below the mount as well.
 */
const WITHIN_SEGMENT = /^(?:[\w(?:)|*+{,}-]|\\[dws.-]|\[(?:[a-zA-Z\d]-[a-zA-Z\d]|\\[dws.]|[\w.@](?!-[^\]]))+-?\])+$/;

/**
 * The segments of the path that the app is mounted at; empty at the root.
 *
 * Hono's routers disagree about what a parameter is: for one of them, `/a-:b` has a parameter, and `/a-c` is the same
 * mount. Segments that are not whole parameters must therefore match the path literally.
 *
 * @param allowsParameters Whether segments may be parameters, because a scope separates their users.
 * @throws {MountError} if the mount has a wildcard, or a parameter that is not allowed.
 */
export function mountOf(c: Context, allowsParameters: boolean): string[] {
  const mount = routeOf(c).replace(/\/?\*$/, "");
  if (mount === "") return [];
  const segments = mount.split("/").slice(1);
  const seen = c.req.path.split("/").slice(1);
  const isKnown = segments.every((segment, at) => {
    if (allowsParameters && isParameter(segment)) return seen[at] !== undefined;
    return segment === seen[at] && !/^:|\*/.test(segment);
  });
  if (isKnown) return segments;
  if (allowsParameters) {
    throw new MountError(
      `fstream() is mounted at "${mount}", which has a wildcard, or a parameter that is optional, is only a part of a ` +
        'segment, or may match slashes. Even with a "scope", each segment of the mount must be fixed or a parameter ' +
        'such as ":user".',
    );
  }
  throw new MountError(
    `fstream() is mounted at "${mount}", which has a parameter or a wildcard. All paths that match it would share one ` +
      'folder, so all users would share their files. Give each its own folder with the option "scope", such as ' +
      '{ scope: (c) => c.req.param("user") }, or mount one fstream() with a root of its own at each fixed path.',
  );
}

function isParameter(segment: string): boolean {
  const found = PARAMETER.exec(segment);
  return found !== null && (found[1] === undefined || WITHIN_SEGMENT.test(found[1]));
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
