/**
 * The sizes of the benchmark: full, quick for daily use, and a smoke test that still runs everything.
 * @module
 */

const MIB = 1024 * 1024;

/** Counts and times of one run. */
export interface Size {
  /** How often each measurement is made by default. */
  readonly rounds: number;
  /** The numbers of followers of the smaller and of the larger group. */
  readonly few: number;
  readonly many: number;
  /** The number of followers of the largest group. */
  readonly crowd: number;
  /** Seconds that a flood and its last warm-up are to take. */
  readonly floodSeconds: number;
  readonly warmSeconds: number;
  /** The maximum number of bytes that a flood appends. */
  readonly floodBytes: number;
  /** Seconds of a paced append. */
  readonly pacedSeconds: number;
  /** The number of bytes of large appends and reads. */
  readonly largeBytes: number;
  /** The number of bytes that pass through a server to check that its memory stays constant. */
  readonly longBytes: number;
  /** The number of concurrent appenders. */
  readonly appenders: number;
  /** The number of idle followers whose memory is measured. */
  readonly idle: number;
  /** The number of followers that read nothing. */
  readonly stalled: number;
  /** The number of followers that connect at once. */
  readonly connecting: number;
  /** The number of paths with one appender and one follower each. */
  readonly paths: number;
  /** How often a follower joins each path. */
  readonly joins: number;
}

/** The sizes by name. */
export const SIZES = {
  full: {
    rounds: 3,
    few: 100,
    many: 1000,
    crowd: 10_000,
    floodSeconds: 3,
    warmSeconds: 0.5,
    floodBytes: 1024 * MIB,
    pacedSeconds: 20,
    largeBytes: 1024 * MIB,
    longBytes: 10 * 1024 * MIB,
    appenders: 100,
    idle: 5000,
    stalled: 100,
    connecting: 2000,
    paths: 1000,
    joins: 200,
  },
  quick: {
    rounds: 1,
    few: 100,
    many: 1000,
    crowd: 5000,
    floodSeconds: 1,
    warmSeconds: 0.3,
    floodBytes: 256 * MIB,
    pacedSeconds: 5,
    largeBytes: 256 * MIB,
    longBytes: 1024 * MIB,
    appenders: 100,
    idle: 5000,
    stalled: 50,
    connecting: 2000,
    paths: 500,
    joins: 50,
  },
  smoke: {
    rounds: 1,
    few: 3,
    many: 25,
    crowd: 25,
    floodSeconds: 0.02,
    warmSeconds: 0.01,
    floodBytes: MIB,
    pacedSeconds: 0.2,
    largeBytes: 4 * MIB,
    longBytes: 8 * MIB,
    appenders: 4,
    idle: 20,
    stalled: 4,
    connecting: 20,
    paths: 5,
    joins: 5,
  },
} as const satisfies Record<string, Size>;

/** One of {@link SIZES}. */
export type SizeName = keyof typeof SIZES;

/** Formats a number of bytes in MiB or GiB. */
export function inBytes(bytes: number): string {
  const mib = bytes / MIB;
  return mib < 1024 ? `${mib} MiB` : `${mib / 1024} GiB`;
}
