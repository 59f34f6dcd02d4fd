/**
 * The results as tables: aligned for a terminal, and in Markdown.
 * @module
 */
import { median } from "../bench/results.ts";
import { aligned } from "../lib/text-table.ts";
import { METRICS, PARTS, type Part } from "./metrics.ts";
import type { Results, Row } from "./run.ts";
import { sizeOf } from "./size.ts";

/** A table, and what stands above it. */
interface Table {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

/** The results for a terminal. */
export function asText(results: Results): string {
  const tables = tablesOf(results).map(({ title, header, rows, notes }) =>
    [title, aligned([header, ...rows]), ...notes.map((note) => `  ! ${note}`)].join("\n"),
  );
  return [describe(results), ...tables].join("\n\n");
}

/** The results for the documentation. */
export function asMarkdown(results: Results): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const tables = tablesOf(results).map(({ title, header, rows, notes }) =>
    [
      ...[`**${title}**`, "", line(header), `|${"---|".repeat(header.length)}`, ...rows.map(line)],
      ...(notes.length > 0 ? ["", ...notes.map((note) => `- ${note}`)] : []),
    ].join("\n"),
  );
  return [wrapped(describe(results).replaceAll("<", "&lt;")), ...tables].join("\n\n");
}

function describe({ machine, browsers, candidates, rounds, minutes, date }: Results): string {
  const { processor, processors, memoryGib, system, storage, commit } = machine;
  const versions = browsers.map(({ name, version }) => version ?? `no ${name}, which is not installed`);
  return [
    `${processor}, ${processors} processors, ${memoryGib} GiB, ${system}, files on ${storage}; commit ${commit}, ${date.slice(0, 10)};`,
    `${versions.join("; ")}; rounds: ${rounds}, medians, in ${minutes} minutes.`,
    `${candidates.map(({ name, title }) => `${name}: ${title}`).join("; ")}.`,
  ].join(" ");
}

function tablesOf(results: Results): Table[] {
  const { followSeconds, followBytesPerSecond } = sizeOf(results.size);
  const titles: Readonly<Record<Part, string>> = {
    read: "Opening, scrolling, jumping",
    follow: `Following ${followBytesPerSecond / 1e6} MB/s for ${followSeconds} s`,
    link: "Opening a link to a line, two thirds down",
    answers: "Answers about the largest log, in seconds per GB",
  };
  return PARTS.flatMap((part) => {
    const rows = results.rows.filter((row) => row.part === part);
    if (rows.length === 0) return [];
    const header = [part === "answers" ? "" : "browser, candidate, log", ...METRICS[part].map(({ title }) => title)];
    return [
      {
        ...{ title: titles[part], header },
        rows: rows.map((row) => [nameOf(row), ...cellsOf(row)]),
        notes: rows.flatMap((row) => row.failures.map((failure) => `${nameOf(row)}: ${failure}`)),
      },
    ];
  });
}

function nameOf({ browser, candidate, bytes }: Row): string {
  const log = bytes > 0 ? `${Number((bytes / 1e6).toPrecision(3))} MB` : "";
  return [browser, candidate, log].filter(Boolean).join(", ");
}

function cellsOf({ part, numbers, failures }: Row): string[] {
  const isMeasured = Object.keys(numbers).length > 0;
  return METRICS[part].map(({ format }, at) => {
    if (!isMeasured) return at === 0 && failures.length > 0 ? "failed" : "–";
    return format((key) => (numbers[key] ? median(numbers[key]) : undefined));
  });
}

/** Breaks a line at spaces. */
function wrapped(text: string): string {
  return text.replace(/(.{1,120})(?:\s+|$)/g, "$1\n").trimEnd();
}
