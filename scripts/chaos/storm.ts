/**
 * Chooses the faults of the servers, and when they occur.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { STEPS } from "./clock.ts";
import type { Blow, Fleet } from "./fleet.ts";
import type { Random } from "./random.ts";

/** The weights of the faults. */
const BLOWS: Readonly<Record<Blow, number>> = { "kill -9": 5, SIGTERM: 3, SIGSTOP: 4, "slow disk": 2 };

/** The probability that a server's clock is set before a fault. */
const CLOCK_STEPS = 0.5;

/** The options of {@link storm}. */
export interface StormOptions {
  readonly random: Random;
  /** The longest pause between two faults of a server, in milliseconds. */
  readonly maxCalmMs: number;
  /** Whether a server may stall for as long as its lease or longer, so that it loses its paths. */
  readonly longSleeps: boolean;
  /** Stops it. */
  readonly signal: AbortSignal;
}

/** Inflicts faults on every server until the signal aborts; resolves when all servers are up again. */
export async function storm(fleet: Fleet, options: StormOptions): Promise<void> {
  const servers = Array.from({ length: fleet.size }, (_, server) => server);
  await Promise.all(servers.map((server) => strikeAgain(fleet, server, options)));
}

async function strikeAgain(fleet: Fleet, server: number, { random, maxCalmMs, ...options }: StormOptions) {
  const chance = random.fork("server", server);
  const { signal, longSleeps } = options;
  for (;;) {
    const blow = chance.weighted(BLOWS);
    const stalls = blow === "SIGSTOP" || blow === "slow disk";
    const long = chance.chance(0.5) && longSleeps && stalls;
    const pauseMs = long ? chance.between(6_000, 15_000) : chance.spread(5, 2_000);
    const step = chance.chance(CLOCK_STEPS) ? chance.weighted(STEPS) : undefined;
    await sleep(chance.spread(300, maxCalmMs), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    if (step !== undefined) fleet.stepClock(server, step);
    await fleet.strike(server, blow, pauseMs);
  }
}
