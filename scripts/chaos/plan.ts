/**
 * The events on a path, drawn before they begin.
 * @module
 */
import type { Random } from "./random.ts";

/** The possible courses of an append, with their weights. */
const FATES = {
  /** The appender runs from the first byte to the end. */
  complete: 6,
  /** The appender's program dies, and another one resumes the session. */
  "dies and resumes": 3,
  /** The appender's program dies, and the session is not resumed. */
  vanishes: 2,
} as const;

/** The planned course of an append. */
export type AppendFate = keyof typeof FATES;

/** The plan of an appender. */
export interface AppendPlan {
  readonly fate: AppendFate;
  /** The size of each chunk, and the pause after it. */
  readonly chunks: readonly { readonly bytes: number; readonly pauseMs: number }[];
  /** The number of chunks after which it dies, unless its fate is `complete`. */
  readonly diesAfter: number;
  /** How many milliseconds pass between its death and the resumption. */
  readonly deadMs: number;
  /** Whether it requires the path to be empty (offset 0). */
  readonly conditional: boolean;
  /** The longest that it waits for its followers before it ends, so that more of them are connected at the end. */
  readonly lingersMs: number;
}

/** The plan of a follower. */
export interface FollowPlan {
  readonly transport: "websocket" | "http";
  /** How many milliseconds after the beginning of the append it connects. */
  readonly lateMs: number;
  /** Whether it begins at the acknowledged offset instead of 0. */
  readonly joinsLater: boolean;
  /** For each restart, the number of bytes after which its program stops and resumes where it was. */
  readonly restarts: readonly number[];
  /** The pause after each piece, in milliseconds. */
  readonly pauseMs: number;
}

/** What happens on a path. */
export interface PathPlan {
  readonly append: AppendPlan;
  readonly follows: readonly FollowPlan[];
}

/** Typical ways in which programs write: the bounds of chunk sizes, the scale of pauses, and the number of chunks. */
const STYLES = {
  "log lines": { least: 1, max: 300, pauseMs: 20, count: 400 },
  bursts: { least: 1, max: 20_000, pauseMs: 40, count: 150 },
  "large chunks": { least: 1_000, max: 400_000, pauseMs: 80, count: 60 },
  anything: { least: 1, max: 200_000, pauseMs: 300, count: 40 },
} as const;

const EVEN = { "log lines": 1, bursts: 1, "large chunks": 1, anything: 1 } as const;

/**
 * Draws what happens on a path.
 *
 * @param length The approximate duration: 1 is a few seconds.
 */
export function drawPath(random: Random, followers: number, length: number): PathPlan {
  const append = drawAppend(random.fork("append"), length);
  const follows = Array.from({ length: followers }, (_, at) => drawFollow(random.fork("follow", at)));
  return { append, follows };
}

function drawAppend(random: Random, length: number): AppendPlan {
  const { least, max, pauseMs, count } = STYLES[random.weighted(EVEN)];
  const chunks = Array.from({ length: Math.ceil(random.spread(count / 4, count * 2) * length) }, () => ({
    bytes: random.spread(least, max),
    pauseMs: random.chance(0.3) ? random.between(0, pauseMs * 4) : 0,
  }));
  return {
    fate: random.weighted(FATES),
    chunks,
    diesAfter: random.between(0, chunks.length),
    deadMs: random.spread(1, 1_500),
    conditional: random.chance(0.3),
    lingersMs: random.chance(0.6) ? 10_000 : 0,
  };
}

function drawFollow(random: Random): FollowPlan {
  return {
    transport: random.chance(0.2) ? "http" : "websocket",
    lateMs: random.chance(0.4) ? 0 : random.spread(1, 8_000),
    joinsLater: random.chance(0.2),
    restarts: Array.from({ length: random.chance(0.3) ? random.between(1, 3) : 0 }, () => random.spread(1, 500_000)),
    pauseMs: random.chance(0.2) ? random.spread(1, 40) : 0,
  };
}
