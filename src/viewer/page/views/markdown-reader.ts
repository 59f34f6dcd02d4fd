/**
 * What Markdown means, as its worker reads it.
 * @module
 */
import type { TokensList } from "marked";
import { startWorker } from "../ui/workers.ts";

/** Milliseconds that a text may take. There are texts of some kilobytes that would take minutes. */
const MAX_MS = 5_000;

/** Reads the versions of one text. */
export class MarkdownReader {
  #worker: Worker | undefined;
  #hasFailed = false;
  /** The last text that was given to it. The worker reads one after the other. */
  #last: Promise<TokensList | undefined> = Promise.resolve(undefined);

  /** The blocks of a text; undefined if it takes too long, as all versions after such a one. */
  read(text: string): Promise<TokensList | undefined> {
    this.#last = this.#last.then(() => this.#read(text));
    return this.#last;
  }

  async #read(text: string): Promise<TokensList | undefined> {
    if (this.#hasFailed) return undefined;
    this.#worker ??= startWorker("markdown");
    const blocks = await answerOf(this.#worker, text);
    if (blocks) return blocks;
    this.#hasFailed = true;
    this.#worker.terminate();
    return undefined;
  }
}

function answerOf(worker: Worker, text: string): Promise<TokensList | undefined> {
  return new Promise((resolve) => {
    const answered = (blocks?: TokensList): void => {
      clearTimeout(timer);
      resolve(blocks);
    };
    const timer = setTimeout(answered, MAX_MS);
    worker.onmessage = ({ data }: MessageEvent<TokensList | undefined>) => answered(data);
    worker.onerror = () => answered();
    worker.postMessage(text);
  });
}
