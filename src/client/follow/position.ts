/**
 * Where a follow stands.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { StartOptions } from "../connection/target.ts";

/** The offsets of one follow. */
export class FollowPosition {
  /** The offset of the first byte; nothing until the server has said it. */
  first: number | undefined;
  /** The offset of the next byte. */
  next: number | undefined;
  /** The content that the offsets belong to, where the server names it. */
  generation: string | undefined;
  /** Whether a server has ever begun to answer. */
  begun = false;
  readonly #wanted: StartOptions;
  readonly #url: URL;

  /**
   * @param wanted Where to begin.
   * @param url The resource, for messages.
   */
  constructor(wanted: StartOptions, url: URL) {
    const { offset = 0, tail, generation } = wanted;
    this.#wanted = wanted;
    this.generation = generation;
    this.#url = url;
    this.first = this.next = tail !== undefined || offset === "now" ? undefined : offset;
  }

  /** What to ask for. */
  get start(): StartOptions {
    if (!this.begun || this.next === undefined) return this.#wanted;
    const { generation } = this;
    return { offset: this.next, ...(generation !== undefined && this.#isBound && { generation }) };
  }

  /**
   * Whether other content can't be gone on with. Not before the first byte, where the caller named no content and no
   * offset of it was told: an appender whose first attempt failed may have made the path anew.
   */
  get #isBound(): boolean {
    const { offset = 0, tail, generation } = this.#wanted;
    const known = tail === undefined && offset !== "now" ? offset : 0;
    return generation !== undefined || this.next === undefined || this.next > known;
  }

  /** Whether a broken connection can be made again without a gap. */
  get isKnown(): boolean {
    return !this.begun || this.next !== undefined;
  }

  /**
   * A server has begun to answer.
   *
   * @param offset Where, as far as that is known.
   * @param generation In which content, as far as that is known.
   * @throws {StreamError} `replaced` when the content is another one, `protocol` when the offset is not the right one.
   */
  begin(offset: number | undefined, generation: string | undefined): void {
    if (this.#isBound && this.generation !== undefined && generation !== undefined && generation !== this.generation) {
      const message = `"${this.#url.pathname}" has other content by now: what is there does not continue what was read.`;
      throw new StreamError("replaced", message, { path: this.#url.href });
    }
    this.generation = generation ?? this.generation;
    if (offset !== undefined && this.next !== undefined) this.expect(offset);
    this.begun = true;
    this.next ??= offset;
    this.first ??= offset;
  }

  /** Takes bytes. */
  take(bytes: Uint8Array): Uint8Array {
    if (this.next !== undefined) this.next += bytes.length;
    return bytes;
  }

  /** @throws {StreamError} `protocol` unless the server stands where the follow stands. */
  expect(offset: number): void {
    if (offset === this.next) return;
    const message = `The server stands at offset ${offset}, where offset ${this.next} should be.`;
    throw new StreamError("protocol", message, { path: this.#url.href });
  }
}
