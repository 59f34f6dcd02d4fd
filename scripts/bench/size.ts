/**
 * How much of everything: the full benchmark, the quick one for every day, and the smallest that still does all of it.
 * @module
 */

const MIB = 1024 * 1024;

/** Counts and times of one run. */
export interface Size {
  /** How often each measurement is made, where the command line does not say. */
  readonly rounds: number;
  /** Followers of the smaller and of the larger crowd. */
  readonly few: number;
  readonly many: number;
  /** Followers of as large a crowd as one machine may have. */
  readonly crowd: number;
  /** Seconds that a flood is to last, and that it is warmed up before. */
  readonly floodSeconds: number;
  readonly warmSeconds: number;
  /** Most bytes that a flood appends. */
  readonly floodBytes: number;
  /** Seconds of a paced append, and of its warm-up. */
  readonly pacedSeconds: number;
  /** Bytes of the large appends and reads. */
  readonly largeBytes: number;
  /** Bytes that pass a server to see whether its memory stays flat. */
  readonly longBytes: number;
  /** Appenders that append at once. */
  readonly appenders: number;
  /** Idle followers whose memory is counted. */
  readonly idle: number;
  /** Followers that read nothing. */
  readonly stalled: number;
  /** Followers that connect at once. */
  readonly connecting: number;
  /** Paths with an appender and a follower each. */
  readonly paths: number;
  /** How often a follower joins. */
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

/** Bytes as people say them. */
export function inBytes(bytes: number): string {
  const mib = bytes / MIB;
  return mib < 1024 ? `${mib} MiB` : `${mib / 1024} GiB`;
}
