/**
 * What the bench tells its load generators to do, and what they answer. Everything is plain data.
 * @module
 */
import type { PackedHistogram } from "./histogram.ts";
import type { RecordSpec } from "./records.ts";

/**
 * How a follower's bytes come. `v1`: binary frames of `httpfstream.v1`, control in text frames. `frames`: all data frames
 * of a WebSocket. `body`: an HTTP body. `sse`: events of an event stream, but for those named `control`.
 */
export type FollowDialect = "v1" | "frames" | "body" | "sse";

/**
 * How an appender's bytes go, and how it learns that they were taken. `v1`: frames, acknowledged. `frames`: frames, and
 * nothing comes back. `replies`: frames, each with a message in return. `counted`: frames, and the answer to a text frame
 * is the number of bytes received. `posts`: one request a batch.
 */
export type AppendDialect = "v1" | "frames" | "replies" | "counted" | "posts";

/** Where to connect to, and how to speak there. */
export interface Target<Dialect> {
  /** `{n}` in it stands for the number of the connection. */
  readonly url: string;
  readonly dialect: Dialect;
}

/** Followers to connect. */
export interface FollowJob {
  readonly target: Target<FollowDialect>;
  readonly count: number;
  /** The number of the first. Default 0. */
  readonly first?: number;
  /** How many may be on their way at once. */
  readonly atOnce: number;
  readonly records: RecordSpec;
  /** How many bytes each is to have in all; more can be expected later. */
  readonly bytes?: number;
  /**
   * What to do with the bytes. `check`: look at the records' numbers, and at every byte of every `exactEvery`-th follower.
   * `measure`: look at every record and at its age. `stall`: read nothing.
   */
  readonly purpose: "check" | "measure" | "stall";
  /** Default 50; 0 for none. */
  readonly exactEvery?: number;
}

/** They are connected. */
export interface Connected {
  readonly group: number;
  readonly firstNs: number;
  readonly lastNs: number;
}

/** What followers have received since they were told what to expect. */
export interface Received {
  /** When the last of them was complete. */
  readonly lastNs: number;
  /** How many have fewer bytes than asked for. */
  readonly short: number;
  /** How many have more bytes, or wrong ones. */
  readonly wrong: number;
  /** How many have lost their connection. */
  readonly gone: number;
  /** Why the first of these has. */
  readonly reason?: string;
  /** The ages of the records. */
  readonly ages: PackedHistogram;
}

/** Appenders to connect. */
export interface AppendJob {
  readonly target: Target<AppendDialect>;
  readonly count: number;
  readonly records: RecordSpec;
}

/** How a flood went. */
export interface Flooded {
  readonly startNs: number;
  /** When the server had confirmed all of it; when it was handed to the kernel where servers confirm nothing. */
  readonly endNs: number;
}

/** A follower's first moments, in milliseconds since it began to connect. */
export interface Joined {
  /** The server has agreed, and said its first word where it has one. */
  readonly answerMs: readonly number[];
  /** The first byte of data. */
  readonly dataMs: readonly number[];
}

/** The commands: arguments and result. */
export interface Commands {
  /** Connects followers. */
  follow(job: FollowJob): Connected;
  /** Sets how many bytes every follower of a group is to have in all. */
  expect(goal: { group: number; bytes: number }): null;
  /** Waits until they have them, or one of them has gone, or the time is over. */
  received(wait: { group: number; timeoutMs: number }): Received;
  /** Connects appenders. */
  append(job: AppendJob): Connected;
  /** Appends the next so many records on each connection, as fast as they are taken. */
  flood(work: { group: number; records: number }): Flooded;
  /** Appends records with the moment of their making, so many a second on each connection. */
  pace(work: { group: number; records: number; perSecond: number }): Flooded;
  /** Ends appenders in the way of their dialect. */
  end(group: { group: number }): null;
  /** Lets followers read who have read nothing until now. */
  resume(group: { group: number }): null;
  /** Drops the connections of a group. */
  drop(group: { group: number }): null;
  /**
   * Lets one follower after the other join a path to which records are appended at a pace, and leave after its first byte.
   * Fails when that is not of a record that was made at that time.
   */
  join(job: { target: Target<FollowDialect>; times: number }): Joined;
  /** Waits until a URL has so many bytes to read. */
  stored(wait: { url: string; bytes: number; timeoutMs: number }): { atNs: number };
}

/** A command on its way to a generator. */
export interface CommandMessage {
  readonly id: number;
  readonly name: keyof Commands;
  readonly input: unknown;
}

/** Its result, or what went wrong. */
export interface ResultMessage {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
