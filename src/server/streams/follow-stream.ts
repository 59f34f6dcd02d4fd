/**
 * Following from the program that runs the server.
 * @module
 */
import type { EndedReason } from "../../protocol/end-reason.ts";

/** How a follow ended. */
export interface LocalFollowEnd {
  /** Why the append ended; see {@link EndReason}. `unknown` if there was no append and that is not on record. */
  readonly reason: EndedReason;
  /** The offset just past the last byte. */
  readonly offset: number;
}

/** What a {@link LocalFollowStream} reads. */
export interface LocalFollowSource extends UnderlyingDefaultSource<Uint8Array> {
  readonly ended: Promise<LocalFollowEnd>;
  readonly offset: number | undefined;
  readonly generation: string | undefined;
}

/**
 * The bytes of a resource as they are appended. Returned by {@link Streams.follow}.
 *
 * @example
 * ```ts
 * const log = streams.follow("build/42.log", { tail: 1000 });
 * for await (const bytes of log) process.stdout.write(bytes);
 * console.log((await log.ended).reason); // "complete"
 * ```
 */
export class LocalFollowStream extends ReadableStream<Uint8Array> {
  readonly #source: LocalFollowSource;

  /** @internal */
  constructor(source: LocalFollowSource) {
    // No read-ahead, so that `offset` is exact and a reader that stops loses no bytes.
    super(source, { highWaterMark: 0 });
    this.#source = source;
  }

  /**
   * How the follow ended. Resolves when the stream closes; rejects with the stream's {@link StreamError} when it errors,
   * and with `aborted` when it is cancelled.
   */
  get ended(): Promise<LocalFollowEnd> {
    return this.#source.ended;
  }

  /** The offset of the next byte that the reader gets; undefined until it is known. */
  get offset(): number | undefined {
    return this.#source.offset;
  }

  /** The generation of the content that is read; undefined until it is known. */
  get generation(): string | undefined {
    return this.#source.generation;
  }
}
