/**
 * Numbers and tables as text.
 * @module
 */

/** Formats a number with about three significant digits, with the prefix k, M or G from 10,000 on. */
export function readable(value: number): string {
  const thousands = [0, 1, 2].find((power) => Math.abs(value) < 10_000 * 1000 ** power) ?? 3;
  const scaled = value / 1000 ** thousands;
  return scaled.toFixed(Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2) + ["", "k", "M", "G"][thousands];
}

/** Formats a number with its unit. */
export function withUnit(value: number, unit: string): string {
  if (!Number.isFinite(value)) return "–";
  return readable(value) + (["%", "×", "/s"].includes(unit) ? unit : ` ${unit}`);
}

/** Aligns the columns: the first one, and both of two, to the left, all others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column === 0 || rows[0]?.length === 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(pad).join("  ").trimEnd()}`).join("\n");
}
