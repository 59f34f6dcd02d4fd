/**
 * An event stream: the data of events that carry data, and nothing of the others.
 * @module
 */
import type { Body } from "./connection.ts";

const LF = 0x0a;

/** Letters of a line that tell what it is. */
const PREFIX_LETTERS = 6;

/** Takes event streams apart. The data of one event must stand in one line. */
export class SseBody implements Body {
  readonly #data: Body;
  readonly #isControl: (event: string) => boolean;
  #prefix = "";
  #event = "";
  /** What the rest of the current line is; nothing while its beginning has not come. */
  #line: "data" | "event" | "other" | undefined;

  /**
   * @param data Takes the data.
   * @param isControl Whether an event of this name carries something else.
   */
  constructor(data: Body, isControl: (event: string) => boolean) {
    this.#data = data;
    this.#isControl = isControl;
  }

  feed(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (this.#line === undefined) {
        at = this.#begin(bytes, at);
        continue;
      }
      const lineEnd = bytes.indexOf(LF, at);
      const end = lineEnd < 0 || lineEnd >= to ? to : lineEnd;
      if (this.#line === "data" && !this.#isControl(this.#event)) this.#data.feed(bytes, at, end);
      else if (this.#line === "event") this.#event += bytes.toString("latin1", at, end).trim();
      if (end < to) this.#line = undefined;
      at = end + 1;
    }
  }

  /** Takes one letter of a line's beginning. */
  #begin(bytes: Buffer, at: number): number {
    const byte = bytes[at] as number;
    if (byte === LF) {
      if (this.#prefix === "") this.#event = "";
      this.#prefix = "";
      return at + 1;
    }
    this.#prefix += String.fromCharCode(byte);
    if (this.#prefix === "data:") this.#line = "data";
    else if (this.#prefix === "event:") this.#line = "event";
    else if (this.#prefix.length > PREFIX_LETTERS) this.#line = "other";
    else return at + 1;
    this.#prefix = "";
    return at + 1;
  }
}
