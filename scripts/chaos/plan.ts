/**
 * What one path's life will be: drawn before it begins.
 * @module
 */
import type { Random } from "./random.ts";

/** How an append goes. */
const FATES = {
  /** From the first byte to the end. */
  complete: 6,
  /** The appender's program dies in the middle, and another one goes on with the session. */
  "dies and resumes": 3,
  /** The appender's program dies in the middle, and nobody goes on. */
  vanishes: 2,
} as const;

/** How an append is meant to go. */
export type AppendFate = keyof typeof FATES;

/** What an appender does. */
export interface AppendPlan {
  readonly fate: AppendFate;
  /** Sizes of the chunks, and how long it rests after each. */
  readonly chunks: readonly { readonly bytes: number; readonly pauseMs: number }[];
  /** After how many chunks it dies, where it does. */
  readonly diesAfter: number;
  /** How long nobody appends after that. */
  readonly deadMs: number;
  /** Whether it insists on an empty path. */
  readonly conditional: boolean;
  /** How long it waits for its followers before it says that it has ended, so that more of them hear it say so. */
  readonly lingersMs: number;
}

/** What a follower does. */
export interface FollowPlan {
  readonly transport: "websocket" | "http";
  /** How long after the beginning of the append it comes. */
  readonly lateMs: number;
  /** Whether it begins in the middle of what is there. */
  readonly joinsLater: boolean;
  /** After how many bytes its program dies, to go on where it was; one after the other. */
  readonly restarts: readonly number[];
  /** How long it rests after each piece. */
  readonly pauseMs: number;
}

/** What happens on a path. */
export interface PathPlan {
  readonly append: AppendPlan;
  readonly follows: readonly FollowPlan[];
}

/** How chunks are sized, and how long pauses are, in some of the ways in which programs write. */
const HANDS = {
  "log lines": { least: 1, most: 300, pauseMs: 20, count: 400 },
  bursts: { least: 1, most: 20_000, pauseMs: 40, count: 150 },
  "large chunks": { least: 1_000, most: 400_000, pauseMs: 80, count: 60 },
  anything: { least: 1, most: 200_000, pauseMs: 300, count: 40 },
} as const;

const EVEN = { "log lines": 1, bursts: 1, "large chunks": 1, anything: 1 } as const;

/**
 * Draws what happens on a path.
 *
 * @param length How long it takes, about: 1 is some seconds.
 */
export function drawPath(random: Random, followers: number, length: number): PathPlan {
  const append = drawAppend(random.fork("append"), length);
  const follows = Array.from({ length: followers }, (_, at) => drawFollow(random.fork("follow", at)));
  return { append, follows };
}

function drawAppend(random: Random, length: number): AppendPlan {
  const { least, most, pauseMs, count } = HANDS[random.weighted(EVEN)];
  const chunks = Array.from({ length: Math.ceil(random.spread(count / 4, count * 2) * length) }, () => ({
    bytes: random.spread(least, most),
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
