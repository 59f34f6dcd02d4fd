/**
 * Adjustable wall clocks: one per server, as if each ran on its own machine. Monotonic clocks are not changed.
 * @module
 */
import { join } from "node:path";
import { Clock } from "../../test/fixture/clock.ts";

/** By how many seconds a clock can be wrong, with the weight of each value. */
export const STEPS = { "+15": 4, "-15": 4, "+3600": 3, "-3600": 3, "+86400": 1, "+0": 2 } as const;

/** The wall clocks of all servers. */
export class Clocks {
  readonly #folder: string;
  readonly #clocks: Clock[] = [];

  /** @param folder The folder for one file per server, which holds the offset of its clock. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The environment variables with which a server uses its adjustable clock. */
  environment(server: number): Record<string, string> {
    return this.#clock(server).env;
  }

  /** Sets a server's clock to the system time plus `seconds`. */
  step(server: number, seconds: keyof typeof STEPS): void {
    this.#clock(server).set(Number(seconds));
  }

  #clock(server: number): Clock {
    this.#clocks[server] ??= new Clock(join(this.#folder, `clock-${server}`));
    return this.#clocks[server];
  }
}
