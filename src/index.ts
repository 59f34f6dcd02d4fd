/**
 * The server as a library: a Hono app that serves streams, and its stores.
 *
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { fstream } from "httpfstream";
 *
 * const app = new Hono();
 * app.route("/streams", fstream());
 * ```
 * @module
 */

export type {
  BeginEvent,
  EndEvent,
  FailureEvent,
  Log,
  LogEvent,
  RefusalEvent,
  RequestEvent,
  ShutdownBeginEvent,
  ShutdownEndEvent,
  Transport,
} from "./engine/events.ts";
export { DEFAULT_LIMITS, type Limits } from "./engine/limits.ts";
export type {
  AppendHandle,
  ClaimOptions,
  Growth,
  SessionRecord,
  SessionRecords,
  Store,
  StoreEntry,
  StoreStat,
} from "./engine/storage/store.ts";
export { type FstreamOptions, fstream } from "./fstream.ts";
export type { EndedReason, EndReason } from "./protocol/end-reason.ts";
export {
  ERROR_CODES,
  type ErrorCode,
  StreamError,
  type StreamErrorOptions,
  type WireForm,
} from "./protocol/errors.ts";
export type { StreamApp } from "./server/app.ts";
export { DURABILITIES, type Durability } from "./stores/file/durability.ts";
export { type FileStoreOptions, fileStore } from "./stores/file/store.ts";
export { memoryStore } from "./stores/memory.ts";
