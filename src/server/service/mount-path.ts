/**
 * Shows the paths in messages as clients know them: with the path of the mount, and without the folder of the scope.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { shortened } from "../../protocol/path.ts";

/** A location. */
export interface MountedPath {
  /** The resource path. */
  readonly path?: string | undefined;
  /** The URL path of the mount, which is empty at the root. */
  readonly base?: string | undefined;
  /** The folder that the request sees, of which `path` is a part; empty for the whole root. */
  readonly scope?: string | undefined;
  /** Another resource path that a message is about, such as the source of a fork. */
  readonly other?: string | undefined;
}

/**
 * Replaces the paths of resources and their parent folders in a message by those that the client knows: stores know
 * neither where their app is mounted nor which folder a request sees. Long paths are cut.
 *
 * @example
 * ```ts
 * withMountPath('"/a" does not exist.', { path: "a", base: "/logs" }); // '"/logs/a" does not exist.'
 * withMountPath('"/ada/a" does not exist.', { path: "ada/a", base: "/u/ada", scope: "ada" }); // '"/u/ada/a" does …'
 * ```
 */
export function withMountPath(sentence: string, { path, base = "", scope = "", other }: MountedPath): string {
  if (path === undefined) return sentence;
  let told = "";
  let from = 0;
  for (let at = sentence.indexOf('"/'); at !== -1; at = sentence.indexOf('"/', Math.max(from, at + 1))) {
    const start = at + 2;
    const length = Math.max(quotedLength(sentence, start, path), quotedLength(sentence, start, other ?? ""));
    if (length >= 0) {
      const named = sentence.slice(start, start + length);
      told += `${sentence.slice(from, at)}"${base}/${shortened(withoutScope(named, scope))}"`;
      from = start + length + 1;
    } else if (scope !== "" && sentence.startsWith(`${scope}/`, start) && !sentence.startsWith(`${base}/`, at + 1)) {
      // Any other path within the scope.
      told += `${sentence.slice(from, at)}"${base}/`;
      from = start + scope.length + 1;
    }
  }
  return told + sentence.slice(from);
}

/** The message of an error as the client gets it; see {@link withMountPath}. */
export function messageFor({ message, path: other }: StreamError, at: MountedPath): string {
  return withMountPath(message, { ...at, other });
}

/**
 * An error for the client: its message and its path are those that the client knows. Values that are not a
 * {@link StreamError} are returned unchanged.
 */
export function withMountPathInError(error: unknown, at: MountedPath): unknown {
  if (!(error instanceof StreamError) || at.path === undefined) return error;
  const { code, headers, path } = error;
  const shown = path === undefined ? {} : { path: withoutScope(path, at.scope) };
  return new StreamError(code, messageFor(error, at), { ...shown, headers, cause: error.cause });
}

/** The path as the client knows it. Folders above the scope, which the client does not know, are shown as the scope. */
function withoutScope(path: string, scope = ""): string {
  if (scope === "") return path;
  return path.startsWith(`${scope}/`) ? path.slice(scope.length + 1) : "";
}

/**
 * The length of the path or of the parent folder of it that is quoted at a place in a sentence, without the quotes; -1 if
 * there is no such path. Names may contain quotes, so only the end of a segment ends a path.
 */
function quotedLength(sentence: string, start: number, path: string): number {
  let length = 0;
  while (length < path.length && sentence.charCodeAt(start + length) === path.charCodeAt(length)) length++;
  const isWhole = length === path.length || path[length] === "/";
  if (isWhole && sentence[start + length] === '"') return length;
  // The root folder.
  return sentence[start] === '"' ? 0 : -1;
}
