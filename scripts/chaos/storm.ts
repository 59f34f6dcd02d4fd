/**
 * What strikes the servers, and when.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { STEPS } from "./clock.ts";
import type { Blow, Fleet } from "./fleet.ts";
import type { Random } from "./random.ts";

/** How often what happens. */
const BLOWS: Readonly<Record<Blow, number>> = { "kill -9": 5, SIGTERM: 3, SIGSTOP: 4, "slow disk": 2 };

/** How often a server's clock is set between two blows. */
const CLOCK_STEPS = 0.5;

/** How a storm blows. */
export interface StormOptions {
  readonly random: Random;
  /** The longest that a server is left alone, in milliseconds. */
  readonly mostCalmMs: number;
  /** Whether a server may stall for about as long as its lease, and longer, so that it loses its paths. */
  readonly longSleeps: boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Strikes every server again and again; resolves when it is over and all of them are back. */
export async function storm(fleet: Fleet, options: StormOptions): Promise<void> {
  const servers = Array.from({ length: fleet.size }, (_, server) => server);
  await Promise.all(servers.map((server) => strikeAgain(fleet, server, options)));
}

async function strikeAgain(fleet: Fleet, server: number, { random, mostCalmMs, ...options }: StormOptions) {
  const chance = random.fork("server", server);
  const { signal, longSleeps } = options;
  for (;;) {
    const blow = chance.weighted(BLOWS);
    const stalls = blow === "SIGSTOP" || blow === "slow disk";
    const long = chance.chance(0.5) && longSleeps && stalls;
    const pauseMs = long ? chance.between(6_000, 15_000) : chance.spread(5, 2_000);
    const step = chance.chance(CLOCK_STEPS) ? chance.weighted(STEPS) : undefined;
    await sleep(chance.spread(300, mostCalmMs), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    if (step !== undefined) fleet.stepClock(server, step);
    await fleet.strike(server, blow, pauseMs);
  }
}
