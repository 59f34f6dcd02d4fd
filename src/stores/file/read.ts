/**
 * A range of a file as a stream that opens the file when it is first read from and always closes it.
 * @module
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { StreamError } from "../../core/errors.ts";
import { diskError, isMissing } from "./errors.ts";

/** What to read. */
export interface FileRange {
  /** Finds the file, when the first byte is asked for. */
  readonly file: () => Promise<string>;
  /** The resource path, for messages. */
  readonly path: string;
  /** First byte. */
  readonly from: number;
  /** Just past the last byte. */
  readonly to: number;
  /** Most bytes in one piece. */
  readonly readBytes: number;
}

/** The bytes of a range, piece by piece as they are asked for. */
export function readFile({ file, path, from, to, readBytes }: FileRange): ReadableStream<Uint8Array> {
  let opened: FileHandle | undefined;
  let at = from;
  const close = async (): Promise<void> => {
    const handle = opened;
    opened = undefined;
    await handle?.close();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          if (at < to) {
            // Not blocking: a named pipe in the file's place must not hold the open up for ever.
            opened ??= await open(await file(), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
            const piece = Buffer.allocUnsafeSlow(Math.min(readBytes, to - at));
            const { bytesRead } = await opened.read(piece, 0, piece.length, at);
            if (bytesRead === 0) throw shrunk(path, at);
            at += bytesRead;
            controller.enqueue(piece.subarray(0, bytesRead));
          }
          if (at >= to) {
            await close();
            controller.close();
          }
        } catch (error) {
          await close().catch(() => {});
          controller.error(isMissing(error) ? gone(path) : diskError(error, path));
        }
      },
      cancel: close,
    },
    // Nothing is opened or read before somebody asks: a stream that is never read holds nothing.
    { highWaterMark: 0 },
  );
}

function gone(path: string): StreamError {
  return new StreamError("changed", `"/${path}" is not there any more.`, { path });
}

function shrunk(path: string, at: number): StreamError {
  return new StreamError("changed", `"/${path}" was truncated: it ends before byte ${at}.`, { path });
}
