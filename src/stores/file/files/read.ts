/**
 * A range of a file as a stream that opens the file at the first read and always closes it.
 * @module
 */
import { constants } from "node:fs";
import { rangeStream } from "../../../engine/storage/range-stream.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { diskError, isMissing } from "../folders/errors.ts";
import { inFolderOf, openIn } from "../folders/open-folder.ts";
import type { OpenFile } from "../folders/opened-file.ts";
import { resolveInRoot } from "../folders/resolve-in-root.ts";

/** What to read. */
export interface FileRange {
  /** Opens the file. Called at the first read. */
  readonly open: () => Promise<OpenFile>;
  /** The resource path, for messages. */
  readonly path: string;
  /** Offset of the first byte. */
  readonly from: number;
  /** Offset just past the last byte. */
  readonly to: number;
  /** Maximum bytes per piece, unless the reader brings its own buffer. */
  readonly pieceBytes: number;
  /** Ends the stream early, without an error. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Streams the bytes of a range on demand, piece by piece. The stream errors with `changed` if the file is missing or
 * has fewer bytes.
 */
export function readFile({ open, path, ...range }: FileRange): ReadableStream<Uint8Array> {
  let opened: OpenFile | undefined;
  return rangeStream({
    ...range,
    async read(into, at) {
      try {
        opened ??= await open();
        const { bytesRead } = await opened.read(into, 0, into.length, at);
        if (bytesRead === 0) throw shrunk(path, at);
        return bytesRead;
      } catch (error) {
        throw isMissing(error) ? gone(path) : diskError(error, path);
      }
    },
    // The reads have reported their errors. A failure to close adds nothing.
    close: () => opened?.close().catch(() => {}),
  });
}

/**
 * Opens the file of a path for reading, if it is below the root.
 *
 * @throws {StreamError} `bad_path` if it is not below the root; errors of the operating system.
 */
export async function openToRead(root: string, path: string): Promise<OpenFile> {
  return inFolderOf(root, await resolveInRoot(root, path), (folder, name) => openIn(folder, name, constants.O_RDONLY));
}

function gone(path: string): StreamError {
  return new StreamError("changed", `"/${path}" no longer exists.`, { path });
}

function shrunk(path: string, at: number): StreamError {
  return new StreamError("changed", `"/${path}" was truncated: it ends before byte ${at}.`, { path });
}
