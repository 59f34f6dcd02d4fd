/**
 * What an append shows of itself.
 * @module
 */
import type { StreamError } from "../../protocol/errors.ts";
import type { RetryingState } from "../retry/reconnector.ts";

/** What it takes to go on with an append after a restart of the program: keep it, and give it to the next append. */
export interface ResumePoint {
  /** The session's token. Whoever has it can go on with the append. */
  readonly session: string;
  /** The offset, in the resource, of the first byte that is not acknowledged. */
  readonly offset: number;
  /** The content that it appends to, where the server names it. */
  readonly generation?: string;
}

/** What an append is to go on with: a {@link ResumePoint}, or the part of it that it needs. */
export interface Resume {
  /** The session's token. */
  readonly session: string;
  /**
   * The offset, in the resource, of the source's first byte. Bytes of it that the server has are left out. Left away,
   * the source is taken to begin where the server wants to go on, which the first call of `onAcked` tells before
   * anything is read.
   */
  readonly offset?: number;
  /** The content that it must append to; with another one it ends with the error `replaced`. */
  readonly generation?: string;
}

/** What an append is about. */
export type AppendState =
  /** It asks for a connection. */
  | { readonly state: "connecting" }
  /** It can send. `offset`: where the next byte goes, if the server says so; a classic one does not. */
  | { readonly state: "open"; readonly protocol: "httpfstream.v1" | "classic"; readonly offset: number | undefined }
  /** The connection is gone; it will try again. */
  | RetryingState
  /** It is over. `offset` as in {@link AppendResult}. */
  | { readonly state: "ended"; readonly reason: "complete"; readonly offset: number | undefined }
  | { readonly state: "ended"; readonly reason: "failed"; readonly error: StreamError };

/** One open append, whatever it speaks. */
export interface Appending {
  /** Bytes sent. */
  readonly bytes: number;
  /** Where it stands: every byte before this offset is acknowledged. Nothing with a classic server. */
  readonly offset: number | undefined;
  /** How to go on after a restart. Nothing with a classic server. */
  readonly resumePoint: ResumePoint | undefined;
  /** Resolves with the error when it has failed for good. */
  readonly failed: Promise<StreamError>;
  /** Takes bytes; resolves when it can take more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends it on purpose; resolves when the server has everything. */
  close(): Promise<void>;
  /**
   * Ends it after everything written, because of a failure on this side: as an append that vanished, where the server
   * knows the difference.
   */
  leave(reason: unknown): Promise<void>;
  /** Drops it at once. */
  abort(): void;
}

/** How to go on with an append, as far as that is known. */
export function pointOf(
  session: string | undefined,
  offset: number | undefined,
  generation: string | undefined,
): ResumePoint | undefined {
  if (session === undefined || offset === undefined) return undefined;
  return { session, offset, ...(generation === undefined ? {} : { generation }) };
}
