/** The sizes of the benchmark: full, quick for daily use, and a smoke test that still runs everything. @module */
/** The number of bytes in a KiB, a MiB and a GiB. */
export const [KIB, MIB, GIB] = [1024, 1024 ** 2, 1024 ** 3] as const;
/** The names of the sizes, and the columns of the table below. */
export const SIZE_NAMES = ["full", "quick", "smoke"] as const;

/** One of the sizes. */
export type SizeName = (typeof SIZE_NAMES)[number];

/** Counts, amounts in bytes and durations in seconds. */
const TABLE = {
  rounds: [3, 1, 1],
  // The followers of the smallest, a small, a large and the largest group.
  one: [1, 1, 1],
  few: [100, 100, 3],
  many: [1000, 1000, 25],
  crowd: [10_000, 5000, 25],
  // The duration of a flood and of its last warm-up, and the most that it appends.
  floodSeconds: [3, 1, 0.02],
  warmSeconds: [0.5, 0.3, 0.01],
  floodBytes: [GIB, 256 * MIB, MIB],
  pacedSeconds: [20, 5, 0.2],
  // Large appends and reads, and what passes through a server while its memory must not grow.
  largeBytes: [GIB, 256 * MIB, 4 * MIB],
  longBytes: [10 * GIB, GIB, 8 * MIB],
  appenders: [100, 100, 4],
  // Followers that are idle, that read nothing, and that connect at once.
  idle: [5000, 5000, 20],
  stalled: [100, 50, 4],
  connecting: [2000, 2000, 20],
  // Paths with one appender and one follower each, and how often a follower joins a path.
  paths: [1000, 500, 5],
  joins: [200, 50, 5],
  // Streams that requests append to, how many of them at least warm up, and over how many connections.
  streams: [90, 90, 4],
  someStreams: [1000, 1000, 5],
  manyStreams: [10_000, 10_000, 6],
  largeStreams: [8, 8, 2],
  warmAppends: [5000, 2000, 10],
  connections: [32, 32, 3],
} as const;

/** The counts and amounts of one size. The table above describes them. */
export type Size = Readonly<Record<keyof typeof TABLE, number>>;

/** Returns a size by its name. */
export function sizeOf(name: SizeName): Size {
  const column = SIZE_NAMES.indexOf(name);
  return Object.fromEntries(Object.entries(TABLE).map(([key, values]) => [key, values[column]])) as Size;
}

/** Formats a number of bytes in MiB or GiB. */
export function inBytes(bytes: number): string {
  return bytes < GIB ? `${bytes / MIB} MiB` : `${bytes / GIB} GiB`;
}
