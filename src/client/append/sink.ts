/**
 * An open append as the sink of a stream.
 * @module
 */

import { type Chunk, Encoder } from "../../protocol/append-source.ts";
import type { Appending } from "./state.ts";

/** Accepts chunks of bytes and text. Owns its append. */
export class AppendSink implements UnderlyingSink<Chunk> {
  readonly #appending: Appending;
  readonly #encoder = new Encoder();

  constructor(appending: Appending) {
    this.#appending = appending;
  }

  start(controller: WritableStreamDefaultController): void {
    // Reports a failure even when no write is pending, so that a caller waiting for a slow source learns of it at once.
    void this.#appending.failed.then((error) => controller.error(error));
  }

  async write(chunk: Chunk): Promise<void> {
    try {
      await this.#write(this.#encoder.encode(chunk));
    } catch (error) {
      // A stream does not close or abort a failed sink, so the path would stay claimed.
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
