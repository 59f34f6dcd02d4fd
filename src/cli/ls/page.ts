/**
 * A part of a folder's listing, as the server sends it.
 * @module
 */
import { StreamError } from "../../client/mod.ts";

/** One row. */
export interface Row {
  readonly name: string;
  readonly kind: "file" | "folder";
  /** Bytes. */
  readonly size: number;
  /** ISO 8601. */
  readonly modified: string;
  readonly appending: boolean;
}

/** Rows, and the name after which the next page begins; undefined for the last page. */
export interface Page {
  readonly entries: readonly Row[];
  readonly next: string | undefined;
}

/**
 * Parses a listing.
 *
 * @param url The URL to show in a message.
 * @throws {StreamError} `protocol` for anything else.
 */
export function parsePage(json: string, url: string): Page {
  const page = objectIn(json);
  const { entries, next } = page ?? {};
  if (!Array.isArray(entries) || !entries.every(isRow)) {
    throw new StreamError(
      "protocol",
      `The answer is not the listing of a folder: ${url} is not served by httpfstream.`,
    );
  }
  return { entries, next: typeof next === "string" ? next : undefined };
}

function objectIn(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function isRow(value: unknown): value is Row {
  if (typeof value !== "object" || value === null) return false;
  const { name, kind, size, modified, appending } = value as Partial<Record<string, unknown>>;
  const isKind = kind === "file" || kind === "folder";
  return (
    isKind &&
    [name, modified].every((text) => typeof text === "string") &&
    typeof size === "number" &&
    typeof appending === "boolean"
  );
}
