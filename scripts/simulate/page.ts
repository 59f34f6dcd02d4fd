/** The tables in docs/scale.md, each between two comments. @module */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/install.mjs";
import { asMarkdown, type Table } from "./tables.ts";

const PAGE: string = join(ROOT, "docs", "scale.md");

/** Returns the text of a page with other tables in their places. Throws if a table has no place, or a place no table. */
export function withTables(text: string, tables: readonly Table[]): string {
  for (const [, name] of text.matchAll(/^<!-- simulate: ([\w-]+) -->$/gm)) {
    if (!tables.some((table) => table.name === name)) throw new Error(`There is no table "${name}" for the page.`);
  }
  return tables.reduce(withTable, text);
}

/** The names of the tables that differ from those in a page. */
export function differing(text: string, tables: readonly Table[]): string[] {
  return tables.filter((table) => withTable(text, table) !== text).map(({ name }) => name);
}

/** Reads the page. */
export function readPage(): string {
  return readFileSync(PAGE, "utf8");
}

/** Writes the tables into the page. */
export function writeTables(tables: readonly Table[]): void {
  writeFileSync(PAGE, withTables(readPage(), tables));
}

function withTable(text: string, table: Table): string {
  const [begin, end] = [`<!-- simulate: ${table.name} -->`, `<!-- /simulate: ${table.name} -->`];
  const [before, rest] = split(text, begin);
  const [, after] = split(rest, end);
  return `${before}${begin}\n\n${asMarkdown(table)}\n\n${end}${after}`;
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  if (at === -1) throw new Error(`The page has no "${mark}".`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}
