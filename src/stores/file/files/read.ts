/**
 * A range of a file as a stream that opens the file when it is first read from and always closes it.
 * @module
 */
import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { rangeStream } from "../../../engine/storage/range-stream.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { diskError, isMissing } from "../folders/errors.ts";
import { inFolderOf, openIn } from "../folders/held-folder.ts";
import { resolveInRoot } from "../folders/resolve-in-root.ts";

/** What to read. */
export interface FileRange {
  /** Opens the file, when the first byte is asked for. */
  readonly open: () => Promise<FileHandle>;
  /** The resource path, for messages. */
  readonly path: string;
  /** First byte. */
  readonly from: number;
  /** Just past the last byte. */
  readonly to: number;
  /** Most bytes in one piece, where the reader brings no memory. */
  readonly pieceBytes: number;
  /** Ends the stream early. */
  readonly signal?: AbortSignal | undefined;
}

/** The bytes of a range, piece by piece as they are asked for. */
export function readFile({ open, path, ...range }: FileRange): ReadableStream<Uint8Array> {
  let opened: FileHandle | undefined;
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
    // What reading met has been said; a file that can't be closed adds nothing to it.
    close: () => opened?.close().catch(() => {}),
  });
}

/** Opens the file of a path, if it is below the root. */
export async function openToRead(root: string, path: string): Promise<FileHandle> {
  return inFolderOf(root, await resolveInRoot(root, path), (folder, name) => openIn(folder, name, constants.O_RDONLY));
}

function gone(path: string): StreamError {
  return new StreamError("changed", `"/${path}" is not there any more.`, { path });
}

function shrunk(path: string, at: number): StreamError {
  return new StreamError("changed", `"/${path}" was truncated: it ends before byte ${at}.`, { path });
}
