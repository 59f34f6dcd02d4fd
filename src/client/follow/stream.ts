/**
 * A follow as a stream.
 * @module
 */
import type { StreamError } from "../../protocol/errors.ts";
import type { Scope } from "../../support/scope.ts";
import { aborted, broken } from "../connection/failure.ts";
import type { FollowEnd } from "./state.ts";
import type { FollowRun, FollowTask } from "./task.ts";

/** The underlying source of a {@link FollowStream}. Its types need no DOM library. */
export class FollowSource {
  /** Resolves when the stream closes; rejects when it errors or is cancelled. */
  readonly ended: Promise<FollowEnd>;
  readonly #task: FollowTask;
  readonly #scope: Scope;
  readonly #bytes: ReturnType<FollowRun["run"]>;
  /** The first step. It starts before the stream is read, so that the connection is open by then. */
  #first: ReturnType<ReturnType<FollowRun["run"]>["next"]> | undefined;
  #delivered: number | undefined;
  #deliveredPlace: string | undefined;
  #setEnded: (end: FollowEnd | Promise<never>) => void = () => {};

  constructor(task: FollowTask, following: FollowRun, scope: Scope) {
    this.#task = task;
    this.#scope = scope;
    this.ended = new Promise((resolve) => {
      this.#setEnded = resolve;
    });
    // A caller that ignores `ended` still learns of a failure from the stream.
    this.ended.catch(() => {});
    this.#bytes = following.run();
    this.#first = this.#bytes.next();
    this.#first.catch(() => {});
  }

  /** The offset of the next byte; undefined until it is known. */
  get offset(): number | undefined {
    return this.#delivered ?? this.#task.position.first;
  }

  /** Where the next byte is on a Durable Streams server; undefined until it is known. */
  get position(): string | undefined {
    return this.#deliveredPlace ?? this.#task.position.placeBefore;
  }

  /** The content generation being read, if the server sends it. */
  get generation(): string | undefined {
    return this.#task.position.generation;
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { position, report } = this.#task;
    try {
      const { done, value } = await (this.#first ?? this.#bytes.next());
      this.#first = undefined;
      this.#delivered = position.next;
      this.#deliveredPlace = position.place;
      if (!done) return controller.enqueue(value);
      const end: FollowEnd = { reason: value, offset: position.next };
      this.#scope.end();
      controller.close();
      this.#setEnded(end);
      report({ state: "ended", ...end });
    } catch (error) {
      controller.error(this.#fail(error));
    }
  }

  cancel(reason: unknown): void {
    this.#scope.abort(reason);
    this.#fail(reason);
    void this.#bytes.return("unknown").catch(() => {});
  }

  #fail(thrown: unknown): StreamError {
    const { signal } = this.#scope;
    const { report, target } = this.#task;
    const error = signal.aborted ? aborted(signal, target.url) : broken(thrown, target.url);
    this.#scope.abort(error);
    this.#scope.end();
    this.#setEnded(Promise.reject(error));
    report({ state: "ended", reason: "failed", error, offset: this.offset });
    return error;
  }
}

/**
 * The bytes of a resource as they arrive. Returned by `follow`.
 *
 * @example
 * ```ts
 * const stream = follow("http://localhost:8080/app.log", { tail: 1000 });
 * for await (const bytes of stream) process.stdout.write(bytes);
 * console.log(stream.offset, stream.generation, await stream.ended);
 * ```
 */
export class FollowStream extends ReadableStream<Uint8Array> {
  readonly #source: FollowSource;

  /**
   * Wraps a follow.
   *
   * @param source The source of the bytes.
   */
  constructor(source: FollowSource) {
    // No read-ahead, so that `offset` is exact and a reader that stops loses no bytes.
    super(source, { highWaterMark: 0 });
    this.#source = source;
  }

  /**
   * How the follow ended. Resolves when the stream closes; rejects with the stream's {@link StreamError} when it
   * errors, and with `aborted` when it is cancelled.
   */
  get ended(): Promise<FollowEnd> {
    return this.#source.ended;
  }

  /**
   * The offset of the next byte that the reader gets, for resuming after a restart. Undefined until it is known, and with
   * Durable Streams servers: see {@link position}.
   */
  get offset(): number | undefined {
    return this.#source.offset;
  }

  /**
   * Where the next byte is that the reader gets, on a Durable Streams server. Pass it as `position` to continue after a
   * restart. Undefined until it is known, and with other protocols: see {@link offset}.
   */
  get position(): string | undefined {
    return this.#source.position;
  }

  /**
   * The content generation that {@link offset} belongs to; pass both to continue after a restart. Undefined until it is
   * known, and with servers that do not send it.
   */
  get generation(): string | undefined {
    return this.#source.generation;
  }

  /**
   * Yields the bytes in chunks, for `for await`. Leaving the loop early cancels the stream.
   *
   * Declared here because older browsers and the types of older TypeScript versions lack it.
   */
  override [Symbol.asyncIterator](
    options: { preventCancel?: boolean } = {},
  ): AsyncGenerator<Uint8Array, undefined, unknown> {
    const native: unknown = super[Symbol.asyncIterator]?.(options);
    return (native ?? pieces(this, options)) as AsyncGenerator<Uint8Array, undefined, unknown>;
  }
}

async function* pieces(
  stream: ReadableStream<Uint8Array>,
  { preventCancel = false }: { preventCancel?: boolean },
): AsyncGenerator<Uint8Array, undefined, unknown> {
  const reader = stream.getReader();
  let isOver = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      isOver = done;
      if (done) return undefined;
      yield value;
    }
  } catch (error) {
    isOver = true;
    throw error;
  } finally {
    if (!isOver && !preventCancel) await reader.cancel();
    reader.releaseLock();
  }
}
