/**
 * Shows the paths in messages as clients know them: with the path of the mount, and without the folder of the scope.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/** A location. */
export interface MountedPath {
  /** The resource path. */
  readonly path?: string | undefined;
  /** The URL path of the mount, which is empty at the root. */
  readonly base?: string | undefined;
  /** The folder that the request sees, of which `path` is a part; empty for the whole root. */
  readonly scope?: string | undefined;
}

/**
 * Replaces the paths of a resource and its parent folders in a message by those that the client knows: stores know
 * neither where their app is mounted nor which folder a request sees.
 *
 * @example
 * ```ts
 * withMountPath('"/a" does not exist.', { path: "a", base: "/logs" }); // '"/logs/a" does not exist.'
 * withMountPath('"/ada/a" does not exist.', { path: "ada/a", base: "/u/ada", scope: "ada" }); // '"/u/ada/a" does …'
 * ```
 */
export function withMountPath(sentence: string, { path, base = "", scope = "" }: MountedPath): string {
  if (path === undefined || (base === "" && scope === "")) return sentence;
  // Names may contain quotes, so each path is matched as a whole.
  const quoted = new RegExp(`"/(${pathsTo(path).map(escaped).join("|")})"`, "g");
  return sentence.replace(quoted, (_, named: string) => `"${base}/${withoutScope(named, scope)}"`);
}

/**
 * An error for the client: its message and its path are those that the client knows. Values that are not a
 * {@link StreamError} are returned unchanged.
 */
export function withMountPathInError(error: unknown, at: MountedPath): unknown {
  if (!(error instanceof StreamError) || at.path === undefined) return error;
  const { code, headers, path } = error;
  const shown = path === undefined ? {} : { path: withoutScope(path, at.scope) };
  return new StreamError(code, withMountPath(error.message, at), { ...shown, headers, cause: error.cause });
}

/** The path as the client knows it. Folders above the scope, which the client does not know, are shown as the scope. */
function withoutScope(path: string, scope = ""): string {
  if (scope === "") return path;
  return path.startsWith(`${scope}/`) ? path.slice(scope.length + 1) : "";
}

/** A path and all its parent folders, the longest first. */
function pathsTo(path: string): string[] {
  const segments = path.split("/");
  return [...segments.map((_, at) => segments.slice(0, segments.length - at).join("/")), ""];
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
