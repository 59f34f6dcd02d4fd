/**
 * The interface of an appender of any dialect, so that floods and paced appends are implemented once.
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
  /** Appends the next `records` records of the cycle; resolves when they are confirmed, if the dialect confirms. */
  flood(records: number): Promise<void>;
  /** Appends one record immediately. */
  send(record: Buffer): void;
  /** Resolves when everything sent is confirmed, if the dialect confirms. */
  settled(): Promise<void>;
  /** Ends the append as its dialect prescribes; resolves when the connection has closed. */
  end(): Promise<void>;
  /** Drops the connection. */
  drop(): void;
}

/** Connects an appender. */
export function openAppender(url: URL, dialect: AppendDialect, records: RecordSpec): Appender {
  return dialect === "posts" ? new PostAppender(url, records) : new FrameAppender(url, dialect, records);
}
