/**
 * A decoder of event streams that passes on the data of events, except control events.
 * @module
 */
import type { Body } from "./connection.ts";

const LF = 0x0a;

/** The length of the longest known field name with its colon. */
const PREFIX_LETTERS = 6;

/** Decodes an event stream. The data of each event must be on one line. */
export class SseBody implements Body {
  readonly #data: Body;
  readonly #isControl: (event: string) => boolean;
  #prefix = "";
  #event = "";
  /** The field of the current line; undefined until its name is complete. */
  #line: "data" | "event" | "other" | undefined;

  /**
   * @param data Receives the data.
   * @param isControl Whether an event with this name is a control event.
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

  /** Processes one byte of a field name; returns the next position. */
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
