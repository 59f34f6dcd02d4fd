/**
 * Sentences with the paths that clients know: those of the app around a mounted one.
 * @module
 */

/** Where something is: its path below the mount, and the URL path of the mount, empty at the root. */
export interface Mounted {
  readonly path?: string | undefined;
  readonly base?: string | undefined;
}

/**
 * A sentence in which a resource, and the folders that it is in, have the paths that its client knows: stores know none of
 * the place where their app is mounted.
 *
 * @example
 * ```ts
 * outward('"/a.log" was never written.', { path: "a.log", base: "/streams" }); // '"/streams/a.log" was never written.'
 * ```
 */
export function outward(sentence: string, { path, base = "" }: Mounted): string {
  if (base === "" || path === undefined) return sentence;
  const own = `"/${path}"`;
  // A name may have quotes in it: the resource itself is looked for as a whole.
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
