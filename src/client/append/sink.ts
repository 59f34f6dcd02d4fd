/**
 * An open append, as the sink of a stream.
 * @module
 */

import { type Chunk, Encoder } from "./source.ts";
import type { Appending } from "./state.ts";

/** Takes chunks of bytes and text; the append that it is made of belongs to it. */
export class AppendSink implements UnderlyingSink<Chunk> {
  readonly #appending: Appending;
  readonly #encoder = new Encoder();

  constructor(appending: Appending) {
    this.#appending = appending;
  }

  start(controller: WritableStreamDefaultController): void {
    // Also when nothing is being written: whoever waits for a slow source learns at once that the append has failed.
    void this.#appending.failed.then((error) => controller.error(error));
  }

  async write(chunk: Chunk): Promise<void> {
    try {
      await this.#write(this.#encoder.encode(chunk));
    } catch (error) {
      // A stream whose sink has failed is neither closed nor aborted any more: the path would stay taken.
      await this.#appending.leave(error).catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#write(this.#encoder.flush());
    await this.#appending.close();
  }

  async abort(): Promise<void> {
    this.#appending.abort();
  }

  async #write(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) await this.#appending.write(piece);
  }
}
