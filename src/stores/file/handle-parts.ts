/**
 * The parts of the right to append to a file.
 * @module
 */
import type { Claim } from "./claims/claim.ts";
import type { GroupCommit } from "./journal/group-commit.ts";
import type { RecordFiles } from "./records/record-files.ts";
import type { LogFiles } from "./streams/log-files.ts";

/** The parts of a `FileAppendHandle`. */
export interface HandleParts {
  /** The store's root. */
  readonly root: string;
  /** The real location of the file. */
  readonly file: string;
  /** The resource path, for messages. */
  readonly path: string;
  readonly epoch: number;
  /** The claim of the file. Released with the handle. */
  readonly claim: Claim;
  /** Brings every append to the disk first, at the level `disk`; undefined otherwise. */
  readonly commit: GroupCommit | undefined;
  /** The records of the root. */
  readonly records: RecordFiles;
  /** The logs of the root's streams. */
  readonly logs: LogFiles;
  /** The media type given by the appender. */
  readonly type: string | undefined;
}
