/**
 * The position of a follow.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { FollowQuery } from "../connection/target.ts";

/** The offsets of one follow. */
export class FollowPosition {
  /** The offset of the first byte; undefined until the server has sent it. */
  first: number | undefined;
  /** The offset of the next byte; undefined until the server has sent it. */
  next: number | undefined;
  /** The content generation that the offsets belong to, if the server sends it. */
  generation: string | undefined;
  /** Whether a server has ever started to respond. */
  begun = false;
  /** Where the next byte is on a Durable Streams server. */
  place: string | undefined;
  /** The same, as long as no byte was read. */
  placeBefore: string | undefined;
  readonly #wanted: FollowQuery;
  readonly #url: URL;

  /**
   * @param wanted What the first connection asks for.
   * @param url The resource, for messages.
   */
  constructor(wanted: FollowQuery, url: URL) {
    const { offset = 0, tail, generation } = wanted;
    this.#wanted = wanted;
    this.generation = generation;
    this.#url = url;
    this.first = this.next = tail !== undefined || offset === "now" ? undefined : offset;
  }

  /** What the first connection asks for. */
  get wanted(): FollowQuery {
    return this.#wanted;
  }

  /** What to ask for on the next connection. */
  get start(): FollowQuery {
    if (!this.begun || this.next === undefined) return this.#wanted;
    const { generation } = this;
    const { stay } = this.#wanted;
    return {
      offset: this.next,
      ...(stay && { stay }),
      ...(generation !== undefined && this.#isBound && { generation }),
    };
  }

  /**
   * Whether the follow must fail on other content. Before the first byte it need not, if the caller specified no content
   * and the server has not determined the offset: an appender whose first attempt failed may have recreated the path.
   */
  get #isBound(): boolean {
    const { offset = 0, tail, generation } = this.#wanted;
    const known = tail === undefined && offset !== "now" ? offset : 0;
    return generation !== undefined || this.next === undefined || this.next > known;
  }

  /** Whether the follow can reconnect without a gap. */
  get isKnown(): boolean {
    return !this.begun || this.next !== undefined;
  }

  /**
   * Records that a server has started to respond.
   *
   * @param offset The offset of the first byte, if known.
   * @param generation The content generation, if known.
   * @throws {StreamError} `replaced` if the content is another one, `protocol` if the offset is not the expected one.
   */
  begin(offset: number | undefined, generation: string | undefined): void {
    if (this.#isBound && this.generation !== undefined && generation !== undefined && generation !== this.generation) {
      const message = `"${this.#url.pathname}" has other content now: it does not continue the bytes that were read.`;
      throw new StreamError("replaced", message, { path: this.#url.href });
    }
    this.generation = generation ?? this.generation;
    if (offset !== undefined && this.next !== undefined) this.expect(offset);
    this.begun = true;
    this.next ??= offset;
    this.first ??= offset;
  }

  /** Continues without numbers of bytes: the server is a Durable Streams server. */
  leaveNumbers(): void {
    this.first = this.next = undefined;
    this.begun = true;
  }

  /** Advances by the length of `bytes` and returns them. */
  take(bytes: Uint8Array): Uint8Array {
    if (this.next !== undefined) this.next += bytes.length;
    return bytes;
  }

  /**
   * Checks the offset that the server reports.
   *
   * @throws {StreamError} `protocol` if it is not the offset of the next byte.
   */
  expect(offset: number): void {
    if (offset === this.next) return;
    const message = `The server is at offset ${offset}, but should be at ${this.next}.`;
    throw new StreamError("protocol", message, { path: this.#url.href });
  }
}
