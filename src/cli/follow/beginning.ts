/**
 * Where a follow begins: found out once, however often it is tried.
 * @module
 */

import type { StartOptions } from "../../client/connection/target.ts";
import type { ErrorCode } from "../../client/mod.ts";
import { say } from "../common/terminal.ts";
import { type Continued, continuationOf } from "./continuation.ts";
import type { Output } from "./output.ts";

/** What the command line says of it. */
export interface BeginningFlags {
  readonly offset?: number | "now";
  readonly tail?: number;
  /** The file to go on with. */
  readonly output?: string;
}

/** The start of one follow. */
export class Beginning {
  readonly #continued: Omit<Continued, "size" | "file">;
  readonly #file: string;
  readonly #size: number;
  #start: StartOptions;
  #isSure: boolean;
  #hasSaidSo = false;

  constructor(continued: Omit<Continued, "size" | "file">, flags: BeginningFlags, { size }: Output) {
    const { offset = size, tail, output = "" } = flags;
    this.#continued = continued;
    this.#file = output;
    this.#size = size ?? 0;
    this.#start = { ...(offset !== undefined && { offset }), ...(tail !== undefined && { tail }) };
    this.#isSure = this.#size === 0;
  }

  /**
   * What to ask for.
   *
   * @throws {StreamError} `replaced` when the file is not the beginning of what is there.
   */
  async start(): Promise<StartOptions> {
    if (this.#isSure) return this.#start;
    const { verdict, generation } = await continuationOf({ ...this.#continued, file: this.#file, size: this.#size });
    if (generation !== undefined) this.#start = { offset: this.#size, generation };
    this.#isSure = verdict === "same";
    if (verdict === "unknown" && !this.#hasSaidSo) {
      this.#hasSaidSo = true;
      say(`this server does not tell whether ${this.#file} has the beginning of what is there; going on behind it`);
    }
    return this.#start;
  }

  /** There is nothing yet: what comes begins at the first byte, and so do the last bytes of it. */
  missed(code: ErrorCode): void {
    const isRelative = this.#start.offset === "now" || this.#start.tail !== undefined;
    if (code === "not_found" && isRelative) this.#start = { offset: 0 };
  }
}
