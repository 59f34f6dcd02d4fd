/**
 * Resumable text streams with the interface of the npm package `resumable-stream`, kept as plain files instead of in Redis.
 * @module
 */
import type { LocalFollowStream } from "../server/streams/follow-stream.ts";
import type { Streams } from "../server/streams/streams.ts";
import { type Production, productionsOf } from "./productions.ts";
import { DEFAULT_FOLDER, streamPath } from "./stream-path.ts";
import { textFrom } from "./text.ts";

/** Options of {@link createResumableStreamContext}. */
export interface ResumableStreamContextOptions {
  /** Where the streams are kept. */
  streams: Streams;
  /** The folder of the streams, as a resource path. Default `resumable`. */
  folder?: string;
  /** Keeps the program alive until a promise settles, on platforms that suspend it after a response. Default: not needed. */
  waitUntil?: ((promise: Promise<unknown>) => void) | null;
}

/** What the functions of the package `resumable-stream` do. */
export interface ResumableStreamContext {
  /**
   * Begins the stream of an identifier, or resumes it if it is in progress. A stream whose producer was lost, for
   * example in a crash of the server, starts again.
   *
   * @param makeStream Called only if the stream begins.
   * @param skipCharacters Characters to leave out at the beginning of a stream that is resumed. Default 0. A stream that
   * begins is given whole.
   * @returns The text from there on; null if the stream is complete already.
   * @throws what `makeStream` throws; the next call begins the stream.
   */
  resumableStream(
    streamId: string,
    makeStream: () => ReadableStream<string>,
    skipCharacters?: number,
  ): Promise<ReadableStream<string> | null>;
  /**
   * Resumes a stream.
   *
   * @returns The text from there on; null if the stream is complete; undefined if there is none. A stream whose producer was
   * lost gives what is stored, and then fails with `lost`; in the process that produced it, the failure of the producer is
   * the `cause`.
   */
  resumeExistingStream(streamId: string, skipCharacters?: number): Promise<ReadableStream<string> | null | undefined>;
  /**
   * Begins the stream of an identifier, in place of the one that there is. If that is in progress, its producer continues to
   * its end, but nothing more of it is stored; its readers get what is stored, and then fail with `replaced`.
   *
   * @param skipCharacters Has no effect, as in the package: a stream that begins is given whole.
   * @throws {StreamError} `in_use` if another process produces the stream; what `makeStream` throws.
   */
  createNewResumableStream(
    streamId: string,
    makeStream: () => ReadableStream<string>,
    skipCharacters?: number,
  ): Promise<ReadableStream<string> | null>;
  /** Whether there is a stream: null if it does not exist, `"DONE"` if it is complete. */
  hasExistingStream(streamId: string): Promise<null | true | "DONE">;
}

/**
 * Creates a context for resumable streams. The producer does not depend on its readers: it continues when they leave.
 *
 * @example
 * ```ts
 * import { createStreams } from "httpfstream";
 * import { createResumableStreamContext } from "httpfstream/resumable";
 *
 * const context = createResumableStreamContext({ streams: createStreams() });
 * app.post("/chat", async (c) => new Response(await context.resumableStream(id, () => answer(c))));
 * app.get("/chat/:id", async (c) => new Response(await context.resumeExistingStream(c.req.param("id"))));
 * ```
 */
export function createResumableStreamContext(options: ResumableStreamContextOptions): ResumableStreamContext {
  const { streams, folder = DEFAULT_FOLDER, waitUntil } = options;
  const productions = productionsOf(streams);
  const state = async (id: string): Promise<State> => {
    const path = await streamPath(folder, id);
    await productions.settled(path);
    const found = await streams.stat(path);
    if (!found) return { path, known: null, generation: "", isLost: false };
    const { generation, appending, ended } = found;
    const isComplete = !appending && ended === "complete";
    return { path, known: isComplete ? "DONE" : true, generation, isLost: !appending && !isComplete };
  };
  const read = (path: string, generation: string, skip = 0): ReadableStream<string> => {
    const at = productions.at(path);
    const production = at?.generation === generation ? at : undefined;
    const open = (): LocalFollowStream => streams.follow(path, generation === "" ? {} : { generation });
    return textFrom({ open, skip, production });
  };
  const begun = (path: string, { generation, done }: Production): ReadableStream<string> => {
    waitUntil?.(done);
    return read(path, generation);
  };
  return {
    async resumableStream(id, makeStream, skip) {
      const { path, known, generation, isLost } = await state(id);
      if (known === "DONE") return null;
      if (known && !isLost) return read(path, generation, skip);
      const production = await productions.begin(path, makeStream, isLost ? generation : undefined);
      if (production) return begun(path, production);
      const now = await state(id);
      return now.known === "DONE" ? null : read(path, now.generation, skip);
    },
    async resumeExistingStream(id, skip) {
      const { path, known, generation } = await state(id);
      if (known === null) return undefined;
      return known === "DONE" ? null : read(path, generation, skip);
    },
    async createNewResumableStream(id, makeStream) {
      const path = await streamPath(folder, id);
      return begun(path, await productions.replace(path, makeStream));
    },
    async hasExistingStream(id) {
      return (await state(id)).known;
    },
  };
}

/** What is known of a stream. */
interface State {
  readonly path: string;
  readonly known: null | true | "DONE";
  /** The generation of its content; empty if the store knows none. */
  readonly generation: string;
  /** Whether its producer was lost. */
  readonly isLost: boolean;
}
