/**
 * From the path of a URL to the path of a resource, and back.
 * @module
 */
import { StreamError } from "./errors.ts";

/** Longest segment that common file systems take. */
export const SEGMENT_BYTES = 255;

/** The store's own folder, directly under the root; no URL reaches it. */
export const RESERVED_SEGMENT = ".httpfstream";

const encoder = new TextEncoder();

/**
 * The resource path that a URL's pathname names: its segments, each percent-decoded once,
 * joined by `/`. The empty string is the root folder. A single trailing slash, as a folder's URL
 * has it, is allowed where `folder` says so.
 *
 * @param pathname The raw pathname, still percent-encoded, beginning with `/`.
 * @param options `skip`: leading segments that belong to the mount. `folder`: allow one trailing slash.
 * `sent`: what a refusal shows, where that was spelled in another way. Default: the pathname.
 * @throws {StreamError} `bad_path` for NUL, `.` or `..`, empty or overlong segments, a backslash, an encoded slash, broken escapes,
 * the reserved folder.
 * @example
 * ```ts
 * resourcePath("/streams/build/42.log", { skip: 1 }); // "build/42.log"
 * ```
 */
export function resourcePath(
  pathname: string,
  options: { skip?: number; folder?: boolean; sent?: string } = {},
): string {
  const { sent = pathname } = options;
  const raw = pathname.split("/").slice(1 + (options.skip ?? 0));
  if (raw.length === 0 || (raw.length === 1 && raw[0] === "")) return "";
  if (options.folder && raw[raw.length - 1] === "") raw.pop();
  return checkedPath(
    raw.map((segment) => decode(segment, sent)),
    sent,
  );
}

/**
 * Segments joined to a resource path, after the same checks as {@link resourcePath}.
 *
 * @param sent What a refusal shows. Default: the path with a slash in front.
 * @throws {StreamError} `bad_path`
 * @example
 * ```ts
 * checkedPath(["a", "b.txt"]); // "a/b.txt"
 * ```
 */
export function checkedPath(segments: readonly string[], sent: string = `/${segments.join("/")}`): string {
  for (const segment of segments) {
    const wrong = fault(segment);
    if (wrong) throw refused(sent, wrong);
  }
  if (segments[0] !== undefined && isReserved(segments[0])) {
    throw refused(sent, `"${RESERVED_SEGMENT}" is reserved for the store itself`);
  }
  return segments.join("/");
}

/**
 * Whether a URL can name an entry of a folder: nobody could read, follow or append to what {@link checkedPath} refuses.
 *
 * @param folder The resource path of the folder; empty for the root.
 * @example
 * ```ts
 * isAddressable("", "a\\b"); // false
 * ```
 */
export function isAddressable(folder: string, name: string): boolean {
  return fault(name) === undefined && !(folder === "" && isReserved(name));
}

/**
 * The URL path of a resource path: every segment percent-encoded, no leading slash.
 *
 * @example
 * ```ts
 * urlPath("a b/ü.txt"); // "a%20b/%C3%BC.txt"
 * ```
 */
export function urlPath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** However it is spelled: there are file systems that do not tell letters from capitals. */
function isReserved(segment: string): boolean {
  return segment.length === RESERVED_SEGMENT.length && segment.toUpperCase() === RESERVED_SEGMENT.toUpperCase();
}

function fault(segment: string): string | undefined {
  if (segment === "") return "it has an empty segment";
  if (segment === "." || segment === "..") return `"${segment}" is not allowed as a segment`;
  if (segment.includes("\0")) return "it contains a NUL character";
  if (segment.includes("/")) return "a segment contains an encoded slash";
  // On Windows it separates folders, and could lead out of the root.
  if (segment.includes("\\")) return "it contains a backslash";
  // No code unit takes more than three bytes, and there may be hundreds of thousands of names.
  if (segment.length * 3 > SEGMENT_BYTES && encoder.encode(segment).length > SEGMENT_BYTES)
    return `a segment is longer than ${SEGMENT_BYTES} bytes`;
  return undefined;
}

function decode(segment: string, sent: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw refused(sent, `"${segment}" is not valid percent-encoded UTF-8`);
  }
}

function refused(path: string, why: string): StreamError {
  const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path;
  return new StreamError("bad_path", `The path ${JSON.stringify(shown)} is refused: ${why}.`, { path });
}
