/**
 * The media type of what is stored: what its appender said, else what its extension stands for, else text if it is text.
 * @module
 */
import mime from "mime";
import type { Store } from "../../engine/storage/store.ts";
import { isMediaType } from "../../protocol/media-type.ts";
import { isText, SNIFFED_BYTES } from "./text-kind.ts";

const TEXT = "text/plain; charset=utf-8";

const BINARY = "application/octet-stream";

/**
 * Extensions of programs and of what they print that the table of types gives something else for, which browsers download
 * or try to play. Here they count only for what is no text.
 */
const CODE: ReadonlySet<string> = new Set(
  "ts mts cts cjs sh csh ksh pl pm php rs sql toml tex latex tcl dart bat cmd srt dts sub m2ts mk asc key pub tap org json5 run".split(
    " ",
  ),
);

/** What is known of a content without a look at its bytes. */
export interface KnownContent {
  /** The resource path. */
  readonly path: string;
  /** Bytes stored now. */
  readonly size: number;
  /** The type that an appender gave. */
  readonly type?: string | undefined;
}

/**
 * The media type. Only the first bytes count, so that it stays as it is once they are there, whatever comes later; what is
 * empty still counts as text.
 *
 * @example
 * ```ts
 * await mediaTypeOf(store, { path: "builds/42", size: 6 }); // "text/plain; charset=utf-8"
 * ```
 */
export async function mediaTypeOf(store: Store, { path, size, type }: KnownContent): Promise<string> {
  // A store that was tampered with, or is not ours, may say anything.
  if (type !== undefined && isMediaType(type)) return type;
  const known = typeByExtension(path);
  if (known !== undefined && !CODE.has(extensionOf(path))) return known;
  const beginning = await beginningOf(store, path, Math.min(size, SNIFFED_BYTES)).catch(() => undefined);
  return beginning && isText(beginning) ? TEXT : (known ?? BINARY);
}

/** The type that a path's extension stands for. */
function typeByExtension(path: string): string | undefined {
  const type = mime.getType(path) ?? undefined;
  return type && /^text\/|\/(json|javascript|xml)$|\+(json|xml)$/.test(type) ? `${type}; charset=utf-8` : type;
}

function extensionOf(path: string): string {
  return /\.([^./]*)$/.exec(path)?.[1]?.toLowerCase() ?? "";
}

async function beginningOf(store: Store, path: string, length: number): Promise<Uint8Array> {
  const beginning = new Uint8Array(length);
  const reader = store.read(path, 0, length).getReader();
  let filled = 0;
  for (let next = await reader.read(); !next.done && filled < length; next = await reader.read()) {
    beginning.set(next.value.subarray(0, length - filled), filled);
    filled += next.value.length;
  }
  await reader.cancel();
  return beginning.subarray(0, filled);
}
