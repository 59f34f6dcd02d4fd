/**
 * The contents that this process appends to now, by real file. The stores of one root share them.
 * @module
 */
import type { Stats } from "node:fs";
import type { StreamState } from "../../../engine/storage/stream-state.ts";
import type { StreamRecord } from "./stream-record.ts";

/** A content that this process appends to. */
export interface LiveContent {
  /** The generation of the content. */
  readonly generation: string;
  /** The media type given by an appender. */
  readonly type: string | undefined;
  /** The state of the path, if it is a stream. */
  readonly stream: StreamState | undefined;
  /** Whether no other process has taken the path over. */
  readonly isOurs: boolean;
  /** Whether the file at the path now is the one that is appended to, with all bytes that were appended. */
  covers(found: Stats): boolean;
  /** A record of the bytes that this process appended, even if the file was replaced since. */
  proof(): StreamRecord;
}

/** The live contents of this process, by real file. */
export const liveContents: Map<string, LiveContent> = new Map<string, LiveContent>();
