/**
 * The meanings of the numbers in the results.
 * @module
 */
import { readable } from "../lib/text-table.ts";

/** The kinds of measurements, each with a table. */
export const PARTS = ["read", "follow", "link", "answers"] as const;

/** The kind of a measurement. */
export type Part = (typeof PARTS)[number];

/** A column of a table. */
export interface Metric {
  readonly title: string;
  readonly format: (value: (key: string) => number | undefined) => string;
}

const NONE = "–";

/** The columns of each table. */
export const METRICS: Readonly<Record<Part, readonly Metric[]>> = {
  read: [
    { title: "first line, s", format: seconds("paint") },
    { title: "any line, s", format: seconds("whole") },
    { title: "JS heap, MiB", format: mebibytes("heap") },
    { title: "memory (peak), MiB", format: (of) => `${mebibytes("rss")(of)} (${mebibytes("peak")(of)})` },
    { title: "nodes", format: plain("nodes") },
    { title: "frame p50 / p95, ms", format: (of) => `${plain("frame50")(of)} / ${plain("frame95")(of)}` },
    { title: "blank frames", format: (of) => `${plain("blank")(of)}%` },
    { title: "jump p50, ms", format: plain("jump50") },
    { title: "requests, MB to open", format: (of) => `${plain("openRequests")(of)}, ${megabytes("openBytes")(of)}` },
    { title: "… with all of that", format: (of) => `${plain("requests")(of)}, ${megabytes("bytes")(of)}` },
  ],
  follow: [
    { title: "appended, MB/s", format: megabytes("rate") },
    { title: "frame p50 / p95, ms", format: (of) => `${plain("frame50")(of)} / ${plain("frame95")(of)}` },
    { title: "last line after its append, s", format: seconds("behind") },
    { title: "JS heap, MiB", format: mebibytes("heap") },
    { title: "memory, MiB", format: mebibytes("rss") },
  ],
  link: [
    { title: "not counted before, s", format: seconds("cold") },
    { title: "counted before, s", format: seconds("warm") },
  ],
  answers: [
    { title: "?lines", format: seconds("lines") },
    { title: "?lines again", format: seconds("again") },
    { title: "wc -l", format: seconds("wc") },
    { title: "?search", format: seconds("search") },
    { title: "grep -cF", format: seconds("grep") },
  ],
};

function plain(key: string): Metric["format"] {
  return (of) => {
    const value = of(key);
    return value === undefined ? NONE : Number.isInteger(value) ? String(value) : readable(value);
  };
}

function scaled(key: string, by: number): Metric["format"] {
  return (of) => {
    const value = of(key);
    return value === undefined ? NONE : readable(value / by);
  };
}

function seconds(key: string): Metric["format"] {
  return scaled(key, 1000);
}

function mebibytes(key: string): Metric["format"] {
  return scaled(key, 1024 ** 2);
}

function megabytes(key: string): Metric["format"] {
  return scaled(key, 1e6);
}
