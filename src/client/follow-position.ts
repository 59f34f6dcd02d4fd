/**
 * Where a follow stands.
 * @module
 */
import { StreamError } from "../core/errors.ts";
import type { StartOptions } from "./target.ts";

/** The offsets of one follow. */
export class FollowPosition {
  /** The offset of the first byte; nothing until the server has said it. */
  first: number | undefined;
  /** The offset of the next byte. */
  next: number | undefined;
  /** Whether a server has ever begun to answer. */
  begun = false;
  readonly #wanted: StartOptions;
  readonly #url: URL;

  /**
   * @param wanted Where to begin.
   * @param url The resource, for messages.
   */
  constructor(wanted: StartOptions, url: URL) {
    const { offset = 0, tail } = wanted;
    this.#wanted = wanted;
    this.#url = url;
    this.first = this.next = tail !== undefined || offset === "now" ? undefined : offset;
  }

  /** What to ask for. */
  get start(): StartOptions {
    return this.begun && this.next !== undefined ? { offset: this.next } : this.#wanted;
  }

  /** Whether a broken connection can be made again without a gap. */
  get isKnown(): boolean {
    return !this.begun || this.next !== undefined;
  }

  /**
   * A server has begun to answer.
   *
   * @param offset Where, as far as that is known.
   * @throws {StreamError} `protocol` when that is not where it should be.
   */
  begin(offset: number | undefined): void {
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
