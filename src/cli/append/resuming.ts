/**
 * The state that `append` needs to resume an append of an earlier run, and its messages when it gives up.
 * @module
 */
import { isComplete } from "../../client/append/completion.ts";
import { realEnvironment } from "../../client/connection/environment.ts";
import { parseTarget } from "../../client/connection/target.ts";
import { withToken } from "../../client/connection/token.ts";
import type { Resume, ResumePoint, TokenSource } from "../../client/mod.ts";
import { inBytes } from "../access/gave-up.ts";
import { shownUrl } from "../common/resource-url.ts";
import type { Input } from "./input.ts";
import type { Begun, ResumeFile } from "./resume-file.ts";

/** The part of a run of the command that this needs. */
export interface Resuming {
  readonly url: string;
  readonly input: Input;
  readonly flags: {
    readonly header: Record<string, string>;
    readonly retryFor: number;
    readonly resumeFile?: string;
    readonly protocol?: string;
  };
  readonly token: TokenSource | undefined;
  readonly resumeFile: ResumeFile | undefined;
}

/** Describes how many bytes are stored and how to continue. */
export function storedWords(
  { url, input, flags, resumeFile }: Resuming,
  first: ResumePoint,
  last: ResumePoint,
): string {
  const { offset } = last;
  const stored = offset - (resumeFile?.begun?.start ?? first.offset);
  const place = `${shownUrl(url)}, up to offset ${offset}`;
  const what = `${inBytes(stored)} of ${input.name} ${stored === 1 ? "is" : "are"} stored at ${place}, and perhaps more.`;
  if (resumeFile) {
    return `${what} To resume, run the same command again within the server's grace period; ${flags.resumeFile} has the position.`;
  }
  return (
    `${what} To continue, find out how many bytes are stored (Stream-Next-Offset in the answer to a HEAD request), and ` +
    "append what follows them. With --resume-file the same command does this by itself."
  );
}

/** A file is read from the offset that the server has; other input is read again from its start. */
export function resumed({ session, start, generation }: Begun, { size }: Input): Resume {
  const content = generation === undefined ? {} : { generation };
  return size === undefined ? { session, offset: start, ...content } : { session, ...content };
}

/** Saves what is needed to resume the append, and returns the byte of the input to start from. */
export async function prepareResume(
  { url, input, flags }: Resuming,
  file: ResumeFile,
  point: ResumePoint | undefined,
): Promise<number> {
  if (!point) throw new Error(cannotResume(url, flags.protocol));
  const { session, offset, generation } = point;
  const start = file.begun?.start ?? offset;
  if (session !== file.begun?.session) await file.save({ session, start, generation });
  if (input.size === undefined) return 0;
  const from = offset - start;
  if (from >= 0 && from <= input.size) return from;
  const found = `${input.name} has ${input.size} bytes`;
  throw new Error(
    `The server has ${from} bytes of the append, but ${found}: one of the two has changed since it began.`,
  );
}

function cannotResume(url: string, protocol: string | undefined): string {
  const what =
    protocol === undefined
      ? `The server at ${shownUrl(url)} can't resume an append`
      : "An append over Durable Streams can't be resumed";
  return `${what}. Leave out --resume-file.`;
}

/** Whether a session has ended because all bytes had arrived; the last run may not have received the confirmation. */
export async function hasArrived({ url, input, flags, token }: Resuming, start: number): Promise<boolean> {
  if (input.size === undefined) return false;
  const target = parseTarget(url, flags.header);
  const signal = AbortSignal.timeout(flags.retryFor * 1000 + 10_000);
  return await isComplete(withToken(realEnvironment, token, target), target, start + input.size, signal);
}
