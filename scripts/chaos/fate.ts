/**
 * The faults that the proxy inflicts on connections, and how it chooses them.
 * @module
 */
import type { Random } from "./random.ts";

/** The possible fates of a connection, with their weights. */
const FATES = {
  /** No fault. */
  calm: 30,
  /** Both ends are reset, possibly in the middle of a frame. Bytes in transit are lost. */
  reset: 20,
  /** Both ends receive a FIN, possibly in the middle of a frame. */
  end: 8,
  /** No bytes pass for a while. */
  stall: 8,
  /** No bytes pass for a while, then both ends are reset. */
  "stall and reset": 8,
  /** The server's side is reset; the client does not learn of it for a while. */
  "half-open to the client": 8,
  /** The client's side is reset; the server does not learn of it for a while. */
  "half-open to the server": 8,
  /** Bytes from the client arrive, bytes from the server do not, until both ends are reset after a while. */
  "deaf client": 8,
  /** The client is reset as soon as it connects. */
  refused: 4,
  /** The connection is accepted but not forwarded; the client is reset after a while. */
  mute: 2,
} as const;

/** A kind of fault, or `calm`. */
export type Fate = keyof typeof FATES;

/** The fault that the proxy inflicts on one connection. */
export interface Plan {
  readonly fate: Fate;
  /** How many bytes pass, in both directions together, before the fault occurs. */
  readonly after: number;
  /** How many milliseconds "a while" is. */
  readonly pauseMs: number;
  /** By how many milliseconds each piece is delayed. */
  readonly delayMs: number;
  /** The maximum size of a forwarded piece, in bytes. */
  readonly pieceBytes: number;
  /** Whether it goes to the next server instead of the client's own, as behind a load balancer. */
  readonly strays: boolean;
  /** Whether it goes to the next server if its own is down. */
  readonly evades: boolean;
}

/** Draws the plan of a connection. `maxPauseMs` limits {@link Plan.pauseMs}. */
export function drawPlan(random: Random, maxPauseMs: number): Plan {
  const pace = random.weighted({ even: 5, late: 3, "in small pieces": 2 });
  return {
    fate: random.weighted(FATES),
    // A handshake that breaks early costs a whole grace period in which nothing is tested, so these are kept rare.
    after: random.chance(0.15) ? random.spread(50, 2_000) : random.spread(2_000, 4_000_000),
    pauseMs: random.spread(20, maxPauseMs),
    delayMs: pace === "late" ? random.spread(1, 60) : 0,
    pieceBytes: pace === "in small pieces" ? random.spread(16, 20_000) : Number.POSITIVE_INFINITY,
    strays: random.chance(0.5),
    evades: random.chance(0.9),
  };
}

/** The plan of a connection after the faults have stopped: everything passes. */
export const CALM: Plan = {
  fate: "calm",
  after: Number.POSITIVE_INFINITY,
  pauseMs: 0,
  delayMs: 0,
  pieceBytes: Number.POSITIVE_INFINITY,
  strays: false,
  evades: true,
};
