/**
 * The states of an append, and what is needed to resume one.
 * @module
 */
import type { StreamError } from "../../protocol/errors.ts";
import type { RetryingState } from "../retry/reconnector.ts";

/** What is needed to resume an append after a restart of the program. Store it, and pass it as `resume`. */
export interface ResumePoint {
  /** The session token. Any program that has it can continue the append, so keep it secret. */
  readonly session: string;
  /** The offset, in the resource, of the first unacknowledged byte. */
  readonly offset: number;
  /** The content generation that is appended to, if the server sends it. */
  readonly generation?: string;
}

/** The append to resume: a {@link ResumePoint}, or the required part of one. */
export interface Resume {
  /** The session token. */
  readonly session: string;
  /**
   * The offset, in the resource, of the source's first byte. The client skips bytes that the server already has. If
   * omitted, the source starts where the server continues; the first call of `onAcked` reports that offset before the
   * source is read.
   */
  readonly offset?: number;
  /**
   * The content generation to append to. With other content, the append fails with `replaced`. Default: any content.
   */
  readonly generation?: string;
}

/** The state of an append. */
export type AppendState =
  /** The client is connecting. */
  | { readonly state: "connecting" }
  /**
   * The append is open. `offset` is the offset of the next byte; undefined over HTTP, and with classic and Durable
   * Streams servers.
   */
  | {
      readonly state: "open";
      readonly protocol: "httpfstream.v1" | "classic" | "http" | "durable-streams";
      readonly offset: number | undefined;
    }
  /** The connection broke, and the client will retry. */
  | RetryingState
  /** The append has ended. `offset` is that of {@link AppendResult}. */
  | { readonly state: "ended"; readonly reason: "complete"; readonly offset: number | undefined }
  | { readonly state: "ended"; readonly reason: "failed"; readonly error: StreamError };

/** One open append, with any protocol. */
export interface Appending {
  /** Bytes sent. */
  readonly bytes: number;
  /** All bytes before this offset are acknowledged. Undefined with classic servers. */
  readonly offset: number | undefined;
  /** What a Durable Streams server calls the end of the stream. Undefined with other servers. */
  readonly position?: string | undefined;
  /** What to pass as `resume` after a restart. Undefined with classic servers. */
  readonly resumePoint: ResumePoint | undefined;
  /** Resolves with the error when the append has failed permanently. */
  readonly failed: Promise<StreamError>;
  /** Queues or sends bytes. Resolves when the append can accept more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the append. Resolves when the server has stored all bytes. */
  close(): Promise<void>;
  /**
   * Ends the append after all bytes written, because of a failure on this side. The server records it as lost if its
   * protocol allows that.
   */
  leave(reason: unknown): Promise<void>;
  /** Drops the append at once. */
  abort(): void;
}

/**
 * Builds a resume point; undefined if the session or the offset is not known.
 *
 * @example
 * ```ts
 * pointOf("token", 7, undefined); // { session: "token", offset: 7 }
 * ```
 */
export function pointOf(
  session: string | undefined,
  offset: number | undefined,
  generation: string | undefined,
): ResumePoint | undefined {
  if (session === undefined || offset === undefined) return undefined;
  return { session, offset, ...(generation === undefined ? {} : { generation }) };
}
