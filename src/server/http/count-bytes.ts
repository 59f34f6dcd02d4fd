/**
 * Response bodies that report how many bytes their reader received, and how they ended.
 * @module
 */

import type { WatchedReader } from "../service/large-read.ts";
import { withMountPathInError } from "../service/mount-path.ts";
import type { Exchange } from "../service/service.ts";

/** How to break off a body. */
export interface BodyAbort {
  /**
   * Drops the connection, where the platform can. Given an error instead, a server may write it to the console, and may
   * end a response that it has not begun as if it were complete.
   */
  readonly cut: (() => Promise<void>) | undefined;
  /** Drops the connection at once, whether or not its client reads; undefined where the platform can't. */
  readonly drop: (() => void) | undefined;
  /**
   * Returns the error to fail the body with on a platform without `cut`. The runtime may print it, so it must fit on one
   * line of a log.
   */
  errorFor(error: unknown): unknown;
}

/** Begins to watch the reader of a body, if it needs that. The function that it gets breaks the body off. */
export type Watch = (stalled: (error: unknown) => void) => WatchedReader | undefined;

/** How to break off the body of this response. */
export function bodyAbort({ c, platform, details }: Exchange): BodyAbort {
  const { cut, drop, bodyError } = platform;
  return {
    cut: cut && (() => cut(c)),
    drop: drop && (() => drop(c)),
    errorFor: (error) => {
      const told = withMountPathInError(error, details);
      return bodyError ? bodyError(told) : told;
    },
  };
}

const AS_IT_FAILS: BodyAbort = { cut: undefined, drop: undefined, errorFor: (error) => error };

/**
 * Passes a body on, and reports once how many bytes were read: when it ends or fails, or when its reader leaves.
 *
 * @param ended Called with the number of bytes, whether that is the whole body, and the error if it has failed.
 * @param how How to break the body off when it fails. Default: it fails with the same error.
 * @param watch Begins to watch its reader. Default: the reader is not watched.
 */
export function countBytes(
  body: ReadableStream<Uint8Array>,
  ended: (bytes: number, isWhole: boolean, error?: unknown) => void,
  { cut, errorFor }: BodyAbort = AS_IT_FAILS,
  watch?: Watch,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let watched: WatchedReader | undefined;
  let bytes = 0;
  let isOver = false;
  // A reader may leave while a piece is being read for it.
  const end = (isWhole: boolean, error?: unknown): void => {
    if (isOver) return;
    isOver = true;
    ended(bytes, isWhole, error);
    watched?.over(isWhole);
  };
  // A reader that has stopped does not ask for the next piece, and so would not learn that the body has failed.
  reader.closed.catch((error: unknown) => end(false, error));
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        watched = watch?.((error) => {
          end(false, error);
          // With a way to cut the connection, there is one to drop it, and that cancels the body.
          if (!cut) controller.error(errorFor(error));
          reader.cancel(error).catch(() => {});
        });
      },
      async pull(controller) {
        watched?.asks();
        const { done, value } = await reader.read().catch((error: unknown) => {
          watched?.gets();
          end(false, error);
          if (!cut) throw errorFor(error);
          // When the connection ends, the runtime cancels the body.
          return new Promise<never>(() => void cut());
        });
        watched?.gets();
        if (isOver) return;
        if (done) {
          end(true);
          controller.close();
          return;
        }
        bytes += value.length;
        controller.enqueue(value);
      },
      cancel(reason) {
        end(false);
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
