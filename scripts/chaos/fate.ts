/**
 * What becomes of each connection that goes through the proxy.
 * @module
 */
import type { Random } from "./random.ts";

/** What strikes a connection. */
const FATES = {
  /** Nothing. */
  calm: 30,
  /** Both ends are reset, wherever in a frame that is. What was on its way is gone. */
  reset: 20,
  /** Both ends see an orderly end, wherever in a frame that is. */
  end: 8,
  /** Nothing moves for a while. */
  stall: 8,
  /** Nothing moves for a while, then both ends are reset. */
  "stall and reset": 8,
  /** The server's side is reset, and the client hears nothing of it for a while. */
  "half-open to the client": 8,
  /** The client's side is reset, and the server hears nothing of it for a while. */
  "half-open to the server": 8,
  /** What the client says arrives, what the server says does not, until both are reset after a while. */
  "deaf client": 8,
  /** The client is reset before anything else. */
  refused: 4,
  /** Nothing is ever answered. */
  mute: 2,
} as const;

/** The name of a fate. */
export type Fate = keyof typeof FATES;

/** What becomes of one connection. */
export interface Plan {
  readonly fate: Fate;
  /** How many bytes pass, both ways together, before it strikes. */
  readonly after: number;
  /** How long "a while" is. */
  readonly pauseMs: number;
  /** How much later each chunk arrives. */
  readonly delayMs: number;
  /** How large a piece is at most. */
  readonly pieceBytes: number;
  /** Whether it goes to another server than the first one, as behind a proxy that spreads connections. */
  readonly strays: boolean;
  /** Whether it goes to another one when its server is down. */
  readonly evades: boolean;
}

/** Draws the plan of a connection. */
export function drawPlan(random: Random, mostPauseMs: number): Plan {
  const pace = random.weighted({ even: 5, late: 3, "in small pieces": 2 });
  return {
    fate: random.weighted(FATES),
    // A handshake that breaks at its very beginning costs a whole grace, in which nothing happens: not too many of those.
    after: random.chance(0.15) ? random.spread(50, 2_000) : random.spread(2_000, 4_000_000),
    pauseMs: random.spread(20, mostPauseMs),
    delayMs: pace === "late" ? random.spread(1, 60) : 0,
    pieceBytes: pace === "in small pieces" ? random.spread(16, 20_000) : Number.POSITIVE_INFINITY,
    strays: random.chance(0.5),
    evades: random.chance(0.9),
  };
}

/** The plan of a connection once the run is over: everything passes. */
export const CALM: Plan = {
  fate: "calm",
  after: Number.POSITIVE_INFINITY,
  pauseMs: 0,
  delayMs: 0,
  pieceBytes: Number.POSITIVE_INFINITY,
  strays: false,
  evades: true,
};
