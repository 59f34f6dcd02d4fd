/**
 * Resumable text streams with the interface of the npm package `resumable-stream`, kept as plain files instead of in Redis.
 * @module
 */
import { StreamError } from "../protocol/errors.ts";
import type { Streams } from "../server/streams/streams.ts";
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
   * Begins the stream of an identifier, or resumes it if it is in progress. A stream whose producer was lost, for example in
   * a crash of the server, begins anew.
   *
   * @param makeStream Called only if the stream begins.
   * @param skipCharacters Characters to leave out at the beginning. Default 0.
   * @returns The text from there on; null if the stream is complete already.
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
   * lost gives what is stored, and then fails with `lost`.
   */
  resumeExistingStream(streamId: string, skipCharacters?: number): Promise<ReadableStream<string> | null | undefined>;
  /**
   * Begins the stream of an identifier. A stream with this identifier that has ended is removed first.
   *
   * @throws {StreamError} `in_use` if the stream is in progress.
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
  const state = async (id: string): Promise<State> => {
    const path = await streamPath(folder, id);
    const found = await streams.stat(path);
    if (!found) return { path, known: null, isLost: false, generation: "" };
    const isComplete = !found.appending && found.ended === "complete";
    const isLost = !found.appending && !isComplete;
    return { path, known: isComplete ? "DONE" : true, isLost, generation: found.generation };
  };
  const resume = (path: string, skip = 0): ReadableStream<string> => textFrom(streams.follow(path), skip);
  const create = async (path: string, makeStream: () => ReadableStream<string>): Promise<void> => {
    const append = await streams.openAppend(path, { ifAbsent: true, type: "text/plain; charset=utf-8" });
    const done = produce(makeStream, append);
    waitUntil?.(done);
  };
  return {
    async resumableStream(id, makeStream, skip) {
      const { path, known, isLost, generation } = await state(id);
      if (known === "DONE") return null;
      if (known && !isLost) return resume(path, skip);
      try {
        // Only the part that was found: another request may have begun the stream anew.
        if (isLost) await streams.remove(path, { generation });
        await create(path, makeStream);
      } catch (error) {
        // Another request has begun it at the same moment.
        if (!isTaken(error)) throw error;
        if ((await state(id)).known === "DONE") return null;
      }
      return resume(path, skip);
    },
    async resumeExistingStream(id, skip) {
      const { path, known } = await state(id);
      if (known === null) return undefined;
      return known === "DONE" ? null : resume(path, skip);
    },
    async createNewResumableStream(id, makeStream, skip) {
      const { path, known } = await state(id);
      if (known) await streams.remove(path);
      await create(path, makeStream);
      return resume(path, skip);
    },
    async hasExistingStream(id) {
      return (await state(id)).known;
    },
  };
}

/** Moves a stream into an append. Its readers get a failure; no other caller sees it. */
async function produce(makeStream: () => ReadableStream<string>, append: WritableStream<string>): Promise<void> {
  try {
    await makeStream().pipeTo(append);
  } catch (error) {
    await append.abort(error).catch(() => {});
  }
}

/** What is known of a stream. */
interface State {
  readonly path: string;
  readonly known: null | true | "DONE";
  /** Whether its producer was lost. */
  readonly isLost: boolean;
  readonly generation: string;
}

const TAKEN: ReadonlySet<string> = new Set(["conflict", "precondition_failed", "in_use", "replaced"]);

/** Whether the path has a stream already. */
function isTaken(error: unknown): boolean {
  return error instanceof StreamError && TAKEN.has(error.code);
}
