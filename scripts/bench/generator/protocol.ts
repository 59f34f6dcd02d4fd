/**
 * The commands of the benchmark to its load generators, and their results. All of it is plain data.
 * @module
 */
import type { PackedHistogram } from "./histogram.ts";
import type { RecordSpec } from "./records.ts";

/**
 * How a follower receives bytes. `v1`: binary frames of `httpfstream.v1`, with control messages in text frames.
 * `frames`: all data frames of a WebSocket. `body`: an HTTP body. `sse`: the events of an event stream, except those
 * named `control`.
 */
export type FollowDialect = "v1" | "frames" | "body" | "sse";

/**
 * How an appender sends bytes, and how the server confirms them. `v1`: frames, which are acknowledged. `frames`:
 * frames, which are not confirmed. `replies`: frames, with one reply each. `counted`: frames, and the reply to a text
 * frame is the number of bytes received. `posts`: one request per batch.
 */
export type AppendDialect = "v1" | "frames" | "replies" | "counted" | "posts";

/** A URL and the dialect to use there. */
export interface Target<Dialect> {
  /** The URL, in which `{n}` is replaced by the number of the connection. */
  readonly url: string;
  readonly dialect: Dialect;
}

/** Followers to connect. */
export interface FollowJob {
  readonly target: Target<FollowDialect>;
  readonly count: number;
  /** The number of the first connection. Default: 0. */
  readonly first?: number;
  /** The maximum number of concurrent connection attempts. */
  readonly atOnce: number;
  readonly records: RecordSpec;
  /** How many bytes each is to receive in total; `expect` can set it later. */
  readonly bytes?: number;
  /**
   * What to do with the bytes. `check`: check the numbers of records, and every byte of one in `exactEvery` followers.
   * `measure`: check the number and record the age of every record. `stall`: read nothing.
   */
  readonly purpose: "check" | "measure" | "stall";
  /** One in this many followers compares every byte; 0 for none. Default: 50. */
  readonly exactEvery?: number;
}

/** A group of connected followers or appenders, with the times of the first attempt and the last success. */
export interface Connected {
  readonly group: number;
  readonly firstNs: number;
  readonly lastNs: number;
}

/** The state of a group of followers when the wait ended. */
export interface Received {
  /** When the last follower had received everything. */
  readonly lastNs: number;
  /** How many have received fewer bytes than expected. */
  readonly short: number;
  /** How many have received more bytes than expected, or wrong ones. */
  readonly wrong: number;
  /** How many have lost their connection. */
  readonly gone: number;
  /** Why the first of these has lost its connection. */
  readonly reason?: string;
  /** The ages of records on arrival, since the last `expect`. */
  readonly ages: PackedHistogram;
}

/** Appenders to connect. */
export interface AppendJob {
  readonly target: Target<AppendDialect>;
  readonly count: number;
  readonly records: RecordSpec;
}

/** The times of a flood or a paced append. */
export interface Flooded {
  readonly startNs: number;
  /** When the server had confirmed everything, or when it was handed to the kernel if the dialect does not confirm. */
  readonly endNs: number;
}

/** The waiting times of followers, in milliseconds since each started to connect. */
export interface Joined {
  /** Until the server had accepted the follower, and in v1 had sent `start`. */
  readonly answerMs: readonly number[];
  /** Until the first byte of data. */
  readonly dataMs: readonly number[];
}

/** The commands, with their arguments and results. */
export interface Commands {
  /** Connects followers. */
  follow(job: FollowJob): Connected;
  /** Sets how many bytes every follower of a group is to receive in total. */
  expect(goal: { group: number; bytes: number }): null;
  /** Waits until all have received them, one has lost its connection, or the time is over. */
  received(wait: { group: number; timeoutMs: number }): Received;
  /** Connects appenders. */
  append(job: AppendJob): Connected;
  /** Appends records on each connection, as fast as the server accepts them. */
  flood(work: { group: number; records: number }): Flooded;
  /** Appends records with timestamps, at a rate per connection. */
  pace(work: { group: number; records: number; perSecond: number }): Flooded;
  /** Ends the appends of a group as their dialect prescribes. */
  end(group: { group: number }): null;
  /** Makes stalled followers read. */
  resume(group: { group: number }): null;
  /** Drops the connections of a group. */
  drop(group: { group: number }): null;
  /**
   * Joins a path with a paced appender, with one follower after the other. Each leaves after its first data, which must
   * begin with a recent record.
   */
  join(job: { target: Target<FollowDialect>; times: number }): Joined;
  /** Waits until that many bytes can be read from a URL. */
  stored(wait: { url: string; bytes: number; timeoutMs: number }): { atNs: number };
}

/** The message with a command. */
export interface CommandMessage {
  readonly id: number;
  readonly name: keyof Commands;
  readonly input: unknown;
}

/** The message with the result of a command, or the message of its error. */
export interface ResultMessage {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
