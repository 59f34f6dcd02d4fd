/**
 * Adds the path of the mount to the paths in messages: clients know their resource by both.
 * @module
 */

/** A location: the path below the mount, and the URL path of the mount, which is empty at the root. */
export interface MountedPath {
  readonly path?: string | undefined;
  readonly base?: string | undefined;
}

/**
 * Replaces the paths of a resource and its parent folders in a message by those that the client knows: stores do not
 * know where their app is mounted.
 *
 * @example
 * ```ts
 * withMountPath('"/a" does not exist.', { path: "a", base: "/logs" }); // '"/logs/a" does not exist.'
 * ```
 */
export function withMountPath(sentence: string, { path, base = "" }: MountedPath): string {
  if (base === "" || path === undefined) return sentence;
  const own = `"/${path}"`;
  // A name may contain quotes, so the resource itself is matched as a whole.
  return sentence
    .split(own)
    .map((part) =>
      part.replace(/"\/([^"]*)"/g, (quote, above: string) => (isAbove(above, path) ? out(base, above) : quote)),
    )
    .join(out(base, path));
}

function isAbove(folder: string, path: string): boolean {
  return folder === "" || path.startsWith(`${folder}/`);
}

function out(base: string, path: string): string {
  return `"${base}/${path}"`;
}
