/**
 * The text of a followed stream.
 * @module
 */
import { turnEnd } from "../engine/append/turn.ts";
import { StreamError } from "../protocol/errors.ts";
import type { LocalFollowStream } from "../server/streams/follow-stream.ts";

/**
 * Decodes a follow as text, without its first characters. The text fails with `lost` if the stream was not completed, so that
 * a part of an answer never seems whole.
 *
 * @param skip UTF-16 code units to leave out.
 */
export function textFrom(follow: LocalFollowStream, skip: number): ReadableStream<string> {
  const reader = follow.getReader();
  const decoder = new TextDecoder();
  let left = skip;
  const take = (text: string): string => {
    const rest = text.slice(left);
    left = Math.max(0, left - text.length);
    return rest;
  };
  return new ReadableStream<string>(
    {
      async pull(controller) {
        let text = "";
        while (text === "") {
          const { done, value } = await reader.read();
          text = take(decoder.decode(value, { stream: !done }));
          if (!done) continue;
          if (text !== "") controller.enqueue(text);
          await assertComplete(follow);
          controller.close();
          return;
        }
        controller.enqueue(text);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/**
 * Waits for the end of a follow that has been read to its end.
 *
 * @throws {StreamError} `lost` if the stream was not completed.
 */
export async function assertComplete(follow: LocalFollowStream): Promise<void> {
  const { reason } = await follow.ended;
  if (reason === "complete") return;
  // A server that gets the error in the same turn as the last bytes may drop the connection before it has sent them.
  await turnEnd();
  throw new StreamError("lost", `The stream was not completed: ${reason}.`);
}
