/**
 * Clocks that are set: each server has its own, as on machines of its own. Time that only passes is not touched.
 * @module
 */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where Debian's package `faketime` has its library. */
const LIBRARIES = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map(
  (machine) => `/usr/lib/${machine}/faketime/libfaketimeMT.so.1`,
);

const LIBRARY = LIBRARIES.find((file) => existsSync(file));

/** Why clocks can't be set here; nothing where they can. */
export const NO_CLOCKS: string | undefined =
  LIBRARY === undefined ? "the Debian package faketime is not installed" : undefined;

/** How far a clock goes wrong, in seconds, and how often. */
export const STEPS = { "+15": 4, "-15": 4, "+3600": 3, "-3600": 3, "+86400": 1, "+0": 2 } as const;

/** The clocks of all servers, as files that say how wrong each is. */
export class Clocks {
  readonly #folder: string;

  /** @param folder Where the files are. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What a server's environment must have for its clock to be set. The age of files is what the disk says. */
  async environment(server: number): Promise<Record<string, string>> {
    if (LIBRARY === undefined) return {};
    await writeFile(this.#file(server), "+0\n", { flag: "a" });
    return {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: this.#file(server),
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
  }

  /** Sets a server's clock: it is wrong by so many seconds from now on. */
  async step(server: number, seconds: keyof typeof STEPS): Promise<void> {
    await writeFile(this.#file(server), `${seconds}\n`);
  }

  #file(server: number): string {
    return join(this.#folder, `clock-${server}`);
  }
}
