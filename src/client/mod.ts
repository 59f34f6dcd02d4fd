/**
 * The client: append to a URL, follow a URL. For Node, Deno, Bun and browsers.
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
export { type ErrorCode, StreamError } from "../core/errors.ts";
export { type AppendOptions, type AppendResult, type AppendStream, append, openAppend } from "./append.ts";
export type { AppendState, Resume, ResumePoint } from "./append-state.ts";
export type { EndReason } from "./control.ts";
export { type FollowOptions, follow } from "./follow.ts";
export type { FollowEnd, FollowState } from "./follow-state.ts";
export type { FollowStream } from "./follow-stream.ts";
export type { RetryingState, RetryOptions } from "./reconnector.ts";
export type { AppendSource, Chunk } from "./source.ts";
export type { HeadersLike, StartOptions } from "./target.ts";
