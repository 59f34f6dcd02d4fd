/**
 * What the metadata of an installation says about its layout.
 * @module
 */
import { StreamError } from "../../../protocol/errors.ts";
import { LAYOUT_VERSION } from "./configs.ts";

/** Default number of shards of a new installation. */
export const DEFAULT_SHARDS = 8;

/**
 * The number of shards of an installation that exists.
 *
 * @param wanted The number that the operator wants; undefined for any.
 * @throws {StreamError} `storage` for another number, or a layout that this version can't read.
 */
export function knownShards(
  stream: string,
  metadata: Readonly<Record<string, string>> | undefined,
  wanted: number | undefined,
): number {
  const version = metadata?.["httpfstream_layout"];
  if (version !== LAYOUT_VERSION) {
    const found = version === undefined ? "was not made by httpfstream" : `has the layout ${version}`;
    throw new StreamError(
      "storage",
      `The stream ${stream} ${found}; this version reads layout ${LAYOUT_VERSION}. Choose another prefix.`,
    );
  }
  const shards = Number(metadata?.["httpfstream_shards"]);
  if (!Number.isSafeInteger(shards) || shards < 1) {
    throw new StreamError("storage", `The stream ${stream} does not say how many shards there are.`);
  }
  if (wanted === undefined || wanted === shards) return shards;
  throw new StreamError(
    "storage",
    `The installation has ${shards} shards, not ${wanted}. Their number is fixed: leave it out, or copy the data into an installation with another prefix.`,
  );
}
