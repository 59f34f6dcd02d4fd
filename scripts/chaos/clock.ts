/**
 * Clocks that are set: each server has its own, as on machines of its own. Time that only passes is not touched.
 * @module
 */
import { join } from "node:path";
import { Clock } from "../../test/fixture/clock.ts";

/** How far a clock goes wrong, in seconds, and how often. */
export const STEPS = { "+15": 4, "-15": 4, "+3600": 3, "-3600": 3, "+86400": 1, "+0": 2 } as const;

/** The clocks of all servers. */
export class Clocks {
  readonly #folder: string;
  readonly #clocks: Clock[] = [];

  /** @param folder Where it is kept how wrong each is. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What a server's environment must have for its clock to be set. */
  environment(server: number): Record<string, string> {
    return this.#clock(server).env;
  }

  /** Sets a server's clock: it is wrong by so many seconds from now on. */
  step(server: number, seconds: keyof typeof STEPS): void {
    this.#clock(server).set(Number(seconds));
  }

  #clock(server: number): Clock {
    this.#clocks[server] ??= new Clock(join(this.#folder, `clock-${server}`));
    return this.#clocks[server];
  }
}
