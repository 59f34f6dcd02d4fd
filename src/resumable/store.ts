/**
 * A store for resumable streams with the interface of assistant-ui (`assistant-stream/resumable`), kept as plain files.
 * @module
 */
import { StreamError } from "../protocol/errors.ts";
import type { Streams } from "../server/streams/streams.ts";
import { DEFAULT_FOLDER, streamPath } from "./stream-path.ts";
import { assertComplete } from "./text.ts";

/** Options of {@link createResumableStreamStore}. */
export interface ResumableStreamStoreOptions {
  /** Where the streams are kept. */
  streams: Streams;
  /** The folder of the streams, as a resource path. Default `resumable`. */
  folder?: string;
}

/** Identifies the producer of a stream. */
export interface ResumableStreamLease {
  /** Unique for each acquisition. */
  readonly token: string;
}

/** Whether the caller produces the stream, with its lease, or reads it. */
export type ResumableStreamAcquisition =
  | { readonly role: "producer"; readonly lease: ResumableStreamLease }
  | { readonly role: "consumer" };

/** A chunk of a stream, and the cursor after it. */
export interface ResumableStreamEntry {
  /** Reading continues behind the chunk from here. */
  readonly cursor: string;
  /** The bytes. */
  readonly chunk: Uint8Array;
}

/** What `ResumableStreamStore` of `assistant-stream/resumable` requires. */
export interface ResumableStreamStore {
  /** Elects the producer of a stream: the first caller. */
  acquire(streamId: string): Promise<"producer" | "consumer">;
  /** As `acquire`, with a lease for the producer. */
  acquireLease(streamId: string): Promise<ResumableStreamAcquisition>;
  /** Appends a chunk; it is stored when this resolves. */
  append(streamId: string, chunk: Uint8Array, lease?: ResumableStreamLease): Promise<void>;
  /** Ends a stream. Resolves to false if it had ended before, or has another producer. */
  finalize(streamId: string, status: "done" | "error", error?: string, lease?: ResumableStreamLease): Promise<boolean>;
  /** The chunks behind a cursor, until the stream is finalized. `""` is the beginning. */
  read(streamId: string, cursor: string, signal: AbortSignal): AsyncIterable<ResumableStreamEntry>;
  /** The state of a stream. `error` also for one whose producer was lost, for example in a crash. */
  status(streamId: string): Promise<"streaming" | "done" | "error" | "missing">;
  /** Removes a stream; its readers end. */
  delete(streamId: string): Promise<void>;
}

/** A stream that this process produces. */
interface Production {
  readonly writer: WritableStreamDefaultWriter<Uint8Array | string>;
  readonly token: string;
}

/**
 * Creates a store for `createResumableStreamContext()` of `assistant-stream/resumable`. Streams are plain files; a stream is
 * kept until it is deleted, so a time to live has no effect.
 *
 * @example
 * ```ts
 * import { createResumableStreamContext } from "assistant-stream/resumable";
 * import { createStreams } from "httpfstream";
 * import { createResumableStreamStore } from "httpfstream/resumable";
 *
 * const store = createResumableStreamStore({ streams: createStreams() });
 * const context = createResumableStreamContext({ store });
 * ```
 */
export function createResumableStreamStore(options: ResumableStreamStoreOptions): ResumableStreamStore {
  return new PlainFileStreamStore(options);
}

class PlainFileStreamStore implements ResumableStreamStore {
  readonly #streams: Streams;
  readonly #folder: string;
  readonly #productions = new Map<string, Production>();
  /** The messages of the errors that ended streams of this process. */
  readonly #errors = new Map<string, string>();

  constructor({ streams, folder = DEFAULT_FOLDER }: ResumableStreamStoreOptions) {
    this.#streams = streams;
    this.#folder = folder;
  }

  async acquire(streamId: string): Promise<"producer" | "consumer"> {
    return (await this.acquireLease(streamId)).role;
  }

  async acquireLease(streamId: string): Promise<ResumableStreamAcquisition> {
    const path = await this.#path(streamId);
    try {
      const writer = (await this.#streams.openAppend(path, { ifAbsent: true })).getWriter();
      // Reported where it is written or closed.
      writer.closed.catch(() => {});
      const token = crypto.randomUUID();
      this.#productions.set(path, { writer, token });
      this.#errors.delete(path);
      return { role: "producer", lease: { token } };
    } catch (error) {
      const code = error instanceof StreamError ? error.code : undefined;
      if (code === "conflict" || code === "precondition_failed") return { role: "consumer" };
      throw error;
    }
  }

  async append(streamId: string, chunk: Uint8Array, lease?: ResumableStreamLease): Promise<void> {
    const production = this.#productionOf(await this.#path(streamId), lease);
    if (!production) throw new StreamError("gone", `The stream "${streamId}" has no producer with this lease.`);
    await production.writer.write(chunk);
  }

  async finalize(
    streamId: string,
    status: "done" | "error",
    error?: string,
    lease?: ResumableStreamLease,
  ): Promise<boolean> {
    const path = await this.#path(streamId);
    const production = this.#productionOf(path, lease);
    if (!production) {
      if (await this.#streams.stat(path)) return false;
      throw new StreamError("not_found", `There is no stream "${streamId}".`);
    }
    this.#productions.delete(path);
    if (status === "error") this.#errors.set(path, error ?? "The stream failed.");
    await (status === "done" ? production.writer.close() : production.writer.abort(error));
    return true;
  }

  async *read(streamId: string, cursor: string, signal: AbortSignal): AsyncGenerator<ResumableStreamEntry, void, void> {
    const path = await this.#path(streamId);
    if (signal.aborted) return;
    const follow = this.#streams.follow(path, { offset: cursor === "" ? 0 : Number(cursor), signal });
    try {
      for await (const chunk of follow) yield { cursor: String(follow.offset), chunk };
      await assertComplete(follow);
    } catch (error) {
      if (signal.aborted) return;
      const told = this.#errors.get(path);
      throw told === undefined ? error : new Error(told, { cause: error });
    }
  }

  async status(streamId: string): Promise<"streaming" | "done" | "error" | "missing"> {
    const found = await this.#streams.stat(await this.#path(streamId));
    if (!found) return "missing";
    if (found.appending) return "streaming";
    return found.ended === "complete" ? "done" : "error";
  }

  async delete(streamId: string): Promise<void> {
    const path = await this.#path(streamId);
    const production = this.#productions.get(path);
    this.#productions.delete(path);
    // The readers of a stream that is deleted end without an error, as the interface demands.
    await production?.writer.close().catch(() => {});
    await this.#streams.remove(path);
    this.#errors.delete(path);
  }

  #path(streamId: string): Promise<string> {
    return streamPath(this.#folder, streamId);
  }

  #productionOf(path: string, lease: ResumableStreamLease | undefined): Production | undefined {
    const production = this.#productions.get(path);
    return lease === undefined || lease.token === production?.token ? production : undefined;
  }
}
