/**
 * Resumable streams of AI applications, on plain files and without Redis: a reload, a second tab or another device continues
 * an answer that is still being generated. The interfaces are those of `resumable-stream` (Vercel) and of
 * `assistant-stream/resumable` (assistant-ui).
 *
 * @example
 * ```ts
 * import { createStreams } from "httpfstream";
 * import { createResumableStreamContext } from "httpfstream/resumable";
 *
 * const context = createResumableStreamContext({ streams: createStreams() });
 * const text = await context.resumableStream("answer-42", () => model.textStream);
 * ```
 * @module
 */
export {
  createResumableStreamContext,
  type ResumableStreamContext,
  type ResumableStreamContextOptions,
} from "./context.ts";
export {
  createResumableStreamStore,
  type ResumableStreamAcquisition,
  type ResumableStreamEntry,
  type ResumableStreamLease,
  type ResumableStreamStore,
  type ResumableStreamStoreOptions,
} from "./store.ts";
