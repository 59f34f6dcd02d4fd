/**
 * The start of a `follow` command, determined once for all attempts.
 * @module
 */

import type { StartOptions } from "../../client/connection/target.ts";
import type { ErrorCode } from "../../client/mod.ts";
import { say } from "../common/terminal.ts";
import { type Continued, continuationOf } from "./continuation.ts";
import type { Output } from "./output.ts";

/** The command line options that determine the start. */
export interface BeginningFlags {
  readonly offset?: number | "now";
  readonly tail?: number;
  readonly position?: string;
  /** The file to continue. */
  readonly output?: string;
}

/** The start of one follow. */
export class Beginning {
  readonly #continued: Omit<Continued, "size" | "file">;
  readonly #file: string;
  readonly #size: number;
  #start: StartOptions;
  #isVerified: boolean;
  #hasWarned = false;
  readonly #output: Output;

  constructor(continued: Omit<Continued, "size" | "file">, flags: BeginningFlags, file: Output) {
    const { size } = file;
    const { tail, position, output = "" } = flags;
    const offset = flags.offset ?? (position === undefined ? size || undefined : undefined);
    this.#output = file;
    this.#continued = continued;
    this.#file = output;
    this.#size = size ?? 0;
    this.#start = {
      ...(offset !== undefined && { offset }),
      ...(tail !== undefined && { tail }),
      ...(position !== undefined && { position }),
    };
    this.#isVerified = this.#size === 0;
  }

  /**
   * Returns the start to request.
   *
   * @throws {StreamError} `replaced` if the file is not the beginning of the current content.
   */
  async start(): Promise<StartOptions> {
    if (this.#isVerified) return this.#start;
    const { verdict, generation, from } = await continuationOf({
      ...this.#continued,
      file: this.#file,
      size: this.#size,
    });
    if (from) {
      this.#output.rewind?.(from.size);
      this.#start = { position: from.position, ...(generation !== undefined && { generation }) };
    } else if (generation !== undefined) this.#start = { offset: this.#size, generation };
    this.#isVerified = verdict === "same";
    if (verdict === "unknown" && !this.#hasWarned) {
      this.#hasWarned = true;
      say(`this server can't check whether ${this.#file} has the beginning of the content; continuing at its end`);
    }
    return this.#start;
  }

  /**
   * Adjusts the start after a failed attempt. For a path that does not exist yet, `--offset now` and `--tail` mean offset
   * 0.
   */
  missed(code: ErrorCode): void {
    const isRelative = this.#start.offset === "now" || this.#start.tail !== undefined;
    if (code === "not_found" && isRelative) this.#start = { offset: 0 };
  }
}
