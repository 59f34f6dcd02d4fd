/**
 * Conversion between URL paths and resource paths.
 * @module
 */
import { StreamError } from "./errors.ts";

/** Bytes of the longest segment that common file systems accept. */
export const SEGMENT_BYTES = 255;

/** Bytes of the longest path, encoded as UTF-8: that of Linux. Each of its segments costs the server work. */
export const PATH_BYTES = 4_096;

/** Maximum characters of a path that a message quotes. */
const SHOWN_CHARACTERS = 200;

/** The store's own folder, directly below the root; no URL can name it. */
export const RESERVED_SEGMENT = ".httpfstream";

/** Code points that HFS+, APFS and ext4 may ignore when they compare names. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/** Half of a character. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A path of which nothing has to be encoded. */
const UNRESERVED = /^[\w./~-]*$/;

const encoder = new TextEncoder();

/**
 * The resource path of a URL's pathname: its segments, each percent-decoded once, joined by `/`. The empty
 * string is the root folder. A single trailing slash, as in a folder's URL, is allowed if `folder` is set.
 *
 * @param pathname The raw pathname, still percent-encoded, beginning with `/`.
 * @param options `skip`: the number of leading segments that belong to the mount, default 0. `folder`: allow one
 * trailing slash, default false. `sent`: the path to show in a refusal, if the client spelled it differently; default:
 * the pathname.
 * @throws {StreamError} `bad_path` for NUL, `.` or `..`, empty or overlong segments, an overlong path, a backslash, an encoded slash,
 * broken escapes, half of a character, or the reserved folder.
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
  if (raw.length === 1 && raw[0] === "") return "";
  if (options.folder && raw[raw.length - 1] === "") raw.pop();
  return checkedPath(
    raw.map((segment) => decode(segment, sent)),
    sent,
  );
}

/**
 * Decodes one segment of a URL's pathname, after the same checks as {@link resourcePath}.
 *
 * @param sent The path to show in a refusal.
 * @throws {StreamError} `bad_path`
 * @example
 * ```ts
 * resourceSegment("a%20b", "/u/a%20b/x.txt"); // "a b"
 * ```
 */
export function resourceSegment(segment: string, sent: string): string {
  return checkedPath([decode(segment, sent)], sent);
}

/**
 * Joins segments to a resource path, after the same checks as {@link resourcePath}.
 *
 * @param sent The path to show in a refusal. Default: the joined path with a leading slash.
 * @throws {StreamError} `bad_path`
 * @example
 * ```ts
 * checkedPath(["a", "b.txt"]); // "a/b.txt"
 * ```
 */
export function checkedPath(segments: readonly string[], sent: string = `/${segments.join("/")}`): string {
  const path = segments.join("/");
  if (isLonger(path, PATH_BYTES)) throw refused(sent, `it is longer than ${PATH_BYTES} bytes`);
  for (const segment of segments) {
    const wrong = fault(segment);
    if (wrong) throw refused(sent, wrong);
  }
  if (segments[0] !== undefined && isReserved(segments[0])) {
    throw refused(sent, `"${RESERVED_SEGMENT}" is reserved for the server`);
  }
  return path;
}

/**
 * A path for a message: it is cut if it is long.
 *
 * @example
 * ```ts
 * shortened("a/b.txt"); // "a/b.txt"
 * ```
 */
export function shortened(path: string): string {
  return path.length > SHOWN_CHARACTERS ? `${path.slice(0, SHOWN_CHARACTERS)}…` : path;
}

/**
 * Whether a URL can name an entry of a folder. A path that {@link checkedPath} refuses can't be read, followed or
 * appended to.
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
 * The URL path of a resource path: every segment percent-encoded, without a leading slash.
 *
 * @example
 * ```ts
 * urlPath("a b/ü.txt"); // "a%20b/%C3%BC.txt"
 * ```
 */
export function urlPath(path: string): string {
  if (UNRESERVED.test(path)) return path;
  return path.split("/").map(encodeURIComponent).join("/");
}

/** Ignores case, ligatures and invisible characters, since some file systems do. */
function isReserved(segment: string): boolean {
  return segment.replace(INVISIBLE, "").toUpperCase() === RESERVED_SEGMENT.toUpperCase();
}

function fault(segment: string): string | undefined {
  if (segment === "") return "it has an empty segment";
  if (segment === "." || segment === "..") return `"${segment}" is not allowed as a segment`;
  if (segment.includes("\0")) return "it contains a NUL character";
  if (segment.includes("/")) return "a segment contains an encoded slash";
  // On Windows a backslash separates folders, and could lead out of the root.
  if (segment.includes("\\")) return "it contains a backslash";
  // Encoded as UTF-8, all of them become the same character, so different paths would name one file.
  if (LONE_SURROGATE.test(segment)) return "it contains half of a character (a lone surrogate)";
  if (isLonger(segment, SEGMENT_BYTES)) return `a segment is longer than ${SEGMENT_BYTES} bytes`;
  return undefined;
}

/** Encodes only if necessary: a code unit takes at most three bytes, and there may be hundreds of thousands of names. */
function isLonger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && (text.length > bytes || encoder.encode(text).length > bytes);
}

function decode(segment: string, sent: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw refused(sent, `"${shortened(segment)}" is not valid percent-encoded UTF-8`);
  }
}

function refused(path: string, why: string): StreamError {
  return new StreamError("bad_path", `The path ${JSON.stringify(shortened(path))} is refused: ${why}.`, { path });
}
