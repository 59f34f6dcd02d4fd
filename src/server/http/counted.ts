/**
 * Bodies whose reader is of interest.
 * @module
 */
import type { Exchange } from "../service/service.ts";

/** How a body breaks off. */
export interface Breaking {
  /**
   * Drops the connection, in place of an error: a server that is given one may write it to the console, and end a response
   * that it has not begun as if it were complete.
   */
  readonly cut: (() => Promise<void>) | undefined;
  /** What the body fails with where there is no such way: what the runtime writes of it harms no log. */
  quiet(error: unknown): unknown;
}

/** How the body of a response breaks off here. */
export function breaking({ c, platform }: Exchange): Breaking {
  const { cut, bodyError } = platform;
  return {
    cut: cut && (() => cut(c)),
    quiet: (error) => (bodyError ? bodyError(error) : error),
  };
}

const AS_IT_FAILS: Breaking = { cut: undefined, quiet: (error) => error };

/**
 * The body, telling once how many bytes of it were taken: at its end, when it fails, or when its reader leaves.
 *
 * @param how How it breaks off when it fails.
 */
export function counted(
  body: ReadableStream<Uint8Array>,
  ended: (bytes: number, error?: unknown) => void,
  { cut, quiet }: Breaking = AS_IT_FAILS,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  let isOver = false;
  // A reader may leave while a piece is being read for it.
  const end = (error?: unknown): void => {
    if (!isOver) ended(bytes, error);
    isOver = true;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read().catch((error: unknown) => {
          end(error);
          if (!cut) throw quiet(error);
          // The body is cancelled with its connection.
          return new Promise<never>(() => void cut());
        });
        if (isOver) return;
        if (done) {
          end();
          controller.close();
          return;
        }
        bytes += value.length;
        controller.enqueue(value);
      },
      cancel(reason) {
        end();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
