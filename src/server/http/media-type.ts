/**
 * The media type of stored content: what its appender declared, else what its extension means, else text if its bytes
 * are text.
 * @module
 */
import mime from "mime";
import type { Store } from "../../engine/storage/store.ts";
import { isMediaType } from "../../protocol/media-type.ts";
import { isText, SNIFFED_BYTES } from "./sniff-text.ts";

const TEXT = "text/plain; charset=utf-8";

const BINARY = "application/octet-stream";

/**
 * Extensions of source code and its output for which the table of types has another type, which browsers download or
 * try to play. The table's type applies only if the bytes are not text.
 */
const CODE: ReadonlySet<string> = new Set(
  "ts mts cts cjs sh csh ksh pl pm php rs sql toml tex latex tcl dart bat cmd srt dts sub m2ts mk asc key pub tap org json5 run".split(
    " ",
  ),
);

/** What is known of the content without reading it. */
export interface KnownContent {
  /** The resource path. */
  readonly path: string;
  /** Bytes stored at present. */
  readonly size: number;
  /** The type that an appender declared. */
  readonly type?: string | undefined;
}

/**
 * Determines the media type. Only the first 512 bytes count, so that the type does not change as the content grows
 * beyond them. Empty content counts as text.
 *
 * @example
 * ```ts
 * await mediaTypeOf(store, { path: "builds/42", size: 6 }); // "text/plain; charset=utf-8"
 * ```
 */
export async function mediaTypeOf(store: Store, { path, size, type }: KnownContent): Promise<string> {
  // A corrupted or foreign store may return anything.
  if (type !== undefined && isMediaType(type)) return type;
  const known = typeByExtension(path);
  if (known !== undefined && !CODE.has(extensionOf(path))) return known;
  const beginning = await beginningOf(store, path, Math.min(size, SNIFFED_BYTES)).catch(() => undefined);
  return beginning && isText(beginning) ? TEXT : (known ?? BINARY);
}

/** The type of a path's extension; undefined for an unknown one. */
export function typeByExtension(path: string): string | undefined {
  const type = mime.getType(path) ?? undefined;
  return type && /^text\/|\/(json|javascript|xml)$|\+(json|xml)$/.test(type) ? `${type}; charset=utf-8` : type;
}

function extensionOf(path: string): string {
  return /\.([^./]*)$/.exec(path)?.[1]?.toLowerCase() ?? "";
}

async function beginningOf(store: Store, path: string, length: number): Promise<Uint8Array> {
  const beginning = new Uint8Array(length);
  if (length === 0) return beginning;
  const reader = store.read(path, 0, length).getReader();
  let filled = 0;
  for (let next = await reader.read(); !next.done && filled < length; next = await reader.read()) {
    beginning.set(next.value.subarray(0, length - filled), filled);
    filled += next.value.length;
  }
  await reader.cancel();
  return beginning.subarray(0, filled);
}
