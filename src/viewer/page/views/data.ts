/**
 * The views of data in rows: JSON, and bytes.
 * @module
 */
import type { LineView } from "../rows/rows.ts";
import { HexLines } from "./hex.ts";
import { fillJsonRow } from "./json-lines.ts";
import { JsonLines } from "./json-pieces.ts";
import type { Kind } from "./kinds.ts";

/** The view of a kind; undefined if the kind does not show data. */
export function dataView(kind: Kind): LineView | undefined {
  if (kind === "json") return { Type: JsonLines, fill: fillJsonRow };
  return kind === "hex" ? { Type: HexLines, isPlain: true } : undefined;
}
