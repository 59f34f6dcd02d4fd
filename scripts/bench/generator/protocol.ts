/** The plain data that the benchmark and its load generators exchange. @module */
/**
 * How a follower receives bytes. `v1`: binary frames of `httpfstream.v1`, with control messages in text frames.
 * `frames`: all data frames of a WebSocket. `body`: an HTTP body. `sse`: the events of an event stream, except those
 * named `control`. `polls`: one request after the other, each from where the last answer ended.
 */
export type FollowDialect = "v1" | "frames" | "body" | "sse" | "polls";

/**
 * How an appender sends bytes, and how the server confirms them. `v1`: frames, which are acknowledged. `frames`:
 * frames, which are not confirmed. `replies`: frames, with one reply each. `counted`: frames, and the reply to a text
 * frame is the number of bytes received. `posts`: one request per batch.
 */
export type AppendDialect = "v1" | "frames" | "replies" | "counted" | "posts";

/** A URL, in which `{n}` is the number of the connection and `{token}` the next of the tokens, and the dialect there. */
export interface Target<Dialect> {
  readonly url: string;
  readonly dialect: Dialect;
  readonly tokens?: readonly string[] | undefined;
}

/** Appenders to connect. */
export interface AppendJob {
  readonly target: Target<AppendDialect>;
  readonly recordBytes: number;
  readonly count: number;
  /** The following are for `posts`. How many connections take turns. Default: each has its own. */
  readonly connections?: number;
  /** The maximum number of bytes in a request, unless a single record is larger. Default: 64 KiB. */
  readonly batchBytes?: number;
  /** Whether each is a producer, which numbers its requests. Default: false. */
  readonly isProducer?: boolean;
  /** Whether the first records are what creates the path. Default: an empty request does. */
  readonly isNew?: boolean;
}

/** Followers to connect. */
export interface FollowJob {
  readonly target: Target<FollowDialect>;
  readonly recordBytes: number;
  /**
   * What to compare. `all`: every byte. `some`: every byte of one in fifty followers, and samples of the others.
   * `samples`: samples. `numbers`: the number of every record, whose timestamps differ. `ages`: the same, and measure
   * the age. `first`: that the first data, which counts as one byte, begins with a new record.
   */
  readonly check: "all" | "some" | "samples" | "numbers" | "ages" | "first";
  /** The maximum number of concurrent connection attempts. Default: 100. */
  readonly atOnce?: number;
  /** How many bytes each is to receive in total. Default: unknown until `expect`. */
  readonly bytes?: number;
  /** Whether they read nothing after they have connected. Default: false. */
  readonly stalled?: boolean;
}
