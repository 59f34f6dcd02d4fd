/**
 * One appender, whatever it speaks: a narrow seam, so that floods and paced appends need to be written once.
 * @module
 */
import { FrameAppender } from "./frame-appender.ts";
import { PostAppender } from "./post-appender.ts";
import type { AppendDialect } from "./protocol.ts";
import type { RecordSpec } from "./records.ts";

/** An appender's connection. */
export interface Appender {
  /** Resolves when it may append. */
  readonly opened: Promise<void>;
  /** Appends the next so many records of the cycle; resolves when the server has confirmed them, where servers do. */
  flood(records: number): Promise<void>;
  /** Appends one record, now. */
  send(record: Buffer): void;
  /** Resolves when everything sent is confirmed, where servers confirm. */
  settled(): Promise<void>;
  /** Ends it in the way of its dialect; resolves when the connection has gone. */
  end(): Promise<void>;
  /** Drops the connection. */
  drop(): void;
}

/** Connects an appender. */
export function openAppender(url: URL, dialect: AppendDialect, records: RecordSpec): Appender {
  return dialect === "posts" ? new PostAppender(url, records) : new FrameAppender(url, dialect, records);
}
