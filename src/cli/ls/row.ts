/**
 * Rows of a listing as text and as JSON. Names are untrusted: they must not control a terminal.
 * @module
 */
import { unprintableEscaped, unprintableEscapedInJson } from "../../support/printable.ts";
import type { Row } from "./page.ts";

/** Width of the column of sizes. */
const SIZE_WIDTH = 14;

/**
 * Formats a row for people.
 *
 * @example
 * ```ts
 * textRow({ name: "a", kind: "file", size: 7, modified: "2026-01-02T03:04:05.678Z", appending: true });
 * // "             7  2026-01-02 03:04:05  a  (appending)\n"
 * ```
 */
export function textRow({ name, kind, size, modified, appending }: Row): string {
  const isFile = kind === "file";
  const time = modified.slice(0, 19).replace("T", " ");
  const bytes = (isFile ? String(size) : "-").padStart(SIZE_WIDTH);
  return `${bytes}  ${unprintableEscaped(time)}  ${unprintableEscaped(name)}${isFile ? "" : "/"}${appending ? "  (appending)" : ""}\n`;
}

/** Formats a row as one line of JSON. */
export function jsonRow(row: Row): string {
  return `${unprintableEscapedInJson(JSON.stringify(row))}\n`;
}
