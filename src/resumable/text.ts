/**
 * The text of a followed stream.
 * @module
 */
import { turnEnd } from "../engine/append/turn.ts";
import { StreamError } from "../protocol/errors.ts";
import type { LocalFollowStream } from "../server/streams/follow-stream.ts";
import type { Production } from "./productions.ts";

/** Why a production has ended. */
type Ending = Pick<Production, "error" | "isSuperseded">;

/** What {@link textFrom} reads. */
export interface TextSource {
  /** Opens the follow. It is called when the text is first read: text that is never read must not follow for ever. */
  readonly open: () => LocalFollowStream;
  /** UTF-16 code units to leave out. */
  readonly skip: number;
  /** What this process produces there, for the reason of a failure. */
  readonly production: Ending | undefined;
}

/**
 * Decodes a follow as text, without its first characters. The text fails with `lost` if the stream was not completed, so that
 * a part of an answer never seems whole.
 */
export function textFrom({ open, skip, production }: TextSource): ReadableStream<string> {
  let follow: LocalFollowStream | undefined;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
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
        follow ??= open();
        reader ??= follow.getReader();
        let text = "";
        while (text === "") {
          const { done, value } = await reader.read().catch((error: unknown) => {
            // The stream that it reads is removed as soon as another one takes its place.
            throw production?.isSuperseded ? superseded() : error;
          });
          text = take(decoder.decode(value, { stream: !done }));
          if (!done) continue;
          if (text !== "") controller.enqueue(text);
          await assertComplete(follow, production);
          controller.close();
          return;
        }
        controller.enqueue(text);
      },
      cancel: (reason) => reader?.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/**
 * Waits for the end of a follow that has been read to its end.
 *
 * @param production What this process produces there, for the reason of a failure. Default: nothing.
 * @throws {StreamError} `lost` if the stream was not completed, `replaced` if another one has taken its place.
 */
export async function assertComplete(follow: LocalFollowStream, production?: Ending): Promise<void> {
  const { reason } = await follow.ended;
  if (reason === "complete") return;
  // A server that gets the error in the same turn as the last bytes may drop the connection before it has sent them.
  await turnEnd();
  if (production?.isSuperseded) throw superseded();
  const { error } = production ?? {};
  const why = error === undefined ? reason : "its producer has failed";
  throw new StreamError("lost", `The stream was not completed: ${why}.`, error === undefined ? {} : { cause: error });
}

function superseded(): StreamError {
  return new StreamError("replaced", "Another stream has taken the place of this one.");
}
