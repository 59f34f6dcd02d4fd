/**
 * The contents that this process appends to now, by their real files. Stores of one root share them.
 * @module
 */
import type { Stats } from "node:fs";
import type { StreamRecord } from "./stream-record.ts";

/** A content that this process appends to. */
export interface LiveContent {
  /** The name of the content. */
  readonly generation: string;
  /** The media type that an appender gave. */
  readonly type: string | undefined;
  /** Whether no other process has taken the path over. */
  readonly isOurs: boolean;
  /** Whether a file that stands at the path now is the one that is appended to, with all that it got. */
  covers(found: Stats): boolean;
  /** What the file has that is appended to, whatever stands at the path now. */
  proof(): StreamRecord;
}

/** The live contents of this process. */
export const liveContents: Map<string, LiveContent> = new Map<string, LiveContent>();
