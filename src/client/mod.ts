/**
 * The client: appends to a URL and follows a URL. It runs on Node, Deno, Bun and in browsers.
 *
 * @example
 * ```ts
 * import { append, follow } from "httpfstream/client";
 *
 * await append("http://localhost:8080/foo.txt", "hello\n");
 * for await (const bytes of follow("http://localhost:8080/foo.txt")) console.log(bytes);
 * ```
 * @module
 */

export type { AppendSource, Chunk } from "../protocol/append-source.ts";
export type { EndedReason as EndReason } from "../protocol/end-reason.ts";
export { type ErrorCode, StreamError } from "../protocol/errors.ts";
export { type AppendOptions, type AppendResult, type AppendStream, append, openAppend } from "./append/mod.ts";
export type { AppendState, Resume, ResumePoint } from "./append/state.ts";
export type { FetchFunction } from "./connection/request.ts";
export type { HeadersLike, StartOptions } from "./connection/target.ts";
export type { TokenSource } from "./connection/token.ts";
export { type FollowOptions, follow } from "./follow/mod.ts";
export type { FollowEnd, FollowState } from "./follow/state.ts";
export type { FollowStream } from "./follow/stream.ts";
export type { RetryingState, RetryOptions } from "./retry/reconnector.ts";
