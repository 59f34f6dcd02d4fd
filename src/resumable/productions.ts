/**
 * The text streams that this process produces: each goes from its producer into an append.
 * @module
 */
import { abandon } from "../protocol/append-source.ts";
import { StreamError } from "../protocol/errors.ts";
import type { LocalAppendStream } from "../server/streams/append-stream.ts";
import type { Streams } from "../server/streams/streams.ts";

/** Makes the text of a stream. */
export type MakeStream = () => ReadableStream<string>;

/** The productions of each server, for all contexts: an app may create one for each request. */
const ofStreams = new WeakMap<Streams, Productions>();

/** The productions of a server. */
export function productionsOf(streams: Streams): Productions {
  const known = ofStreams.get(streams) ?? new Productions(streams);
  ofStreams.set(streams, known);
  return known;
}

/** The streams that this process produces, by their paths. */
export class Productions {
  readonly #streams: Streams;
  readonly #running = new Map<string, Production>();
  /** The last change of each path: changes of one path follow one another. */
  readonly #changes = new Map<string, Promise<unknown>>();

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  /** The production of a path; undefined if this process does not produce it now. */
  at(path: string): Production | undefined {
    return this.#running.get(path);
  }

  /**
   * Begins a stream, at a path that has none.
   *
   * @param lost The generation of what a lost producer has left, which is removed first. Default: nothing is removed.
   * @returns Undefined if another request has begun it meanwhile.
   * @throws what `makeStream` throws, and then the path has no stream; errors of the store.
   */
  begin(path: string, makeStream: MakeStream, lost?: string): Promise<Production | undefined> {
    return this.#inTurn(path, async () => {
      const append = await this.#open(path, lost).catch((error: unknown) => {
        if (isTaken(error)) return undefined;
        throw error;
      });
      return append && this.#produce(path, makeStream, append);
    });
  }

  /**
   * Begins a stream in place of the one that the path has. One that this process produces is superseded.
   *
   * @throws {StreamError} `in_use` if another process produces it; what `makeStream` throws.
   */
  replace(path: string, makeStream: MakeStream): Promise<Production> {
    return this.#inTurn(path, async () => {
      await this.at(path)?.supersede();
      await this.#streams.remove(path);
      return this.#produce(path, makeStream, await this.#open(path));
    });
  }

  /** Waits until no change of a path is under way. */
  async settled(path: string): Promise<void> {
    await this.#changes.get(path)?.catch(() => {});
  }

  async #open(path: string, lost?: string): Promise<LocalAppendStream> {
    // Only that part: another request may have started the stream again.
    if (lost !== undefined) await this.#streams.remove(path, lost === "" ? {} : { generation: lost });
    return this.#streams.openAppend(path, { ifAbsent: true, type: "text/plain; charset=utf-8" });
  }

  async #produce(path: string, makeStream: MakeStream, append: LocalAppendStream): Promise<Production> {
    let source: ReadableStream<string>;
    try {
      source = checked(makeStream());
    } catch (error) {
      await append.abort(error).catch(() => {});
      await this.#streams.remove(path).catch(() => {});
      throw error;
    }
    const production = new Production(path, source, append);
    this.#running.set(path, production);
    void production.stored.then(() => {
      if (this.at(path) === production) this.#running.delete(path);
      if (production.error !== undefined) this.#streams.reportFailure(path, production.error);
    });
    return production;
  }

  /** Runs a change of a path when the earlier ones are done. */
  async #inTurn<T>(path: string, change: () => Promise<T>): Promise<T> {
    const mine = (this.#changes.get(path) ?? Promise.resolve()).then(change, change);
    this.#changes.set(path, mine);
    try {
      return await mine;
    } finally {
      if (this.#changes.get(path) === mine) this.#changes.delete(path);
    }
  }
}

/** One producer, and the append that stores what it says. It does not depend on any reader. */
export class Production {
  /** Settles when nothing more is stored, and never rejects. */
  readonly stored: Promise<void>;
  /** Settles when the producer has ended, and never rejects. */
  readonly done: Promise<void>;
  /** The error of the producer, or of storing. */
  error: unknown;
  /** The generation of what it stores. */
  readonly generation: string;
  readonly #path: string;
  readonly #superseded = new AbortController();

  constructor(path: string, source: ReadableStream<string>, append: LocalAppendStream) {
    this.#path = path;
    this.generation = append.generation;
    this.stored = this.#store(source, append);
    this.done = this.stored.then(() => this.#drain(source));
  }

  /** Whether another stream has taken its place. */
  get isSuperseded(): boolean {
    return this.#superseded.signal.aborted;
  }

  /**
   * Stores nothing more, and frees the path. The producer continues to its end, because its program may wait for that.
   */
  async supersede(): Promise<void> {
    const message = `A new stream has replaced the one at "/${this.#path}".`;
    this.#superseded.abort(new StreamError("replaced", message, { path: this.#path }));
    await this.stored;
  }

  async #store(source: ReadableStream<string>, append: WritableStream<string>): Promise<void> {
    const { signal } = this.#superseded;
    try {
      await source.pipeTo(append, { signal, preventCancel: true });
    } catch (error) {
      if (this.isSuperseded) return;
      this.error = error ?? new Error("The producer has failed without a reason.");
      abandon(source, error);
    }
  }

  async #drain(source: ReadableStream<string>): Promise<void> {
    if (!this.isSuperseded || source.locked) return;
    await source.pipeTo(new WritableStream()).catch(() => {});
  }
}

/** @throws {TypeError} for anything but a stream that can be read. */
function checked(source: ReadableStream<string>): ReadableStream<string> {
  const { pipeTo, locked } = (source ?? {}) as Partial<ReadableStream<string>>;
  if (typeof pipeTo !== "function") throw new TypeError("makeStream() must return a ReadableStream.");
  if (locked) throw new TypeError("The stream that makeStream() has returned is locked: it has a reader already.");
  return source;
}

const TAKEN: ReadonlySet<string> = new Set(["conflict", "precondition_failed", "in_use", "replaced"]);

/** Whether the path has a stream already. */
function isTaken(error: unknown): boolean {
  return error instanceof StreamError && TAKEN.has(error.code);
}
