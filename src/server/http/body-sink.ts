/**
 * A live response body as the sink of a follower.
 * @module
 */

import { turnEnd } from "../../engine/append/turn.ts";
import type { Sink } from "../../engine/follow/follower.ts";
import type { Frame } from "../../engine/follow/frame.ts";
import type { BodyAbort } from "./count-bytes.ts";

/** High-water mark: bytes that a response body buffers before it asks its follower to wait. */
const HIGH_WATER_BYTES = 64 * 1024;

/** Takes frames, and provides them as a response body. */
export class BodySink implements Sink {
  /** The body. */
  readonly stream: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #waiting: { bytes: number; wake: () => void } | undefined;
  readonly #onLeave: () => void;

  /** @param onLeave Called when the reader is gone. */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#wakeIfDrained(),
        cancel: () => {
          this.#controller = undefined;
          this.leave();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_BYTES }),
    );
  }

  get pending(): number {
    return this.#controller ? HIGH_WATER_BYTES - (this.#controller.desiredSize ?? HIGH_WATER_BYTES) : 0;
  }

  send(frame: Frame): void {
    this.#controller?.enqueue(frame.bytes);
  }

  drained(bytes: number): Promise<void> {
    if (this.pending <= bytes) return Promise.resolve();
    return new Promise((wake) => {
      this.#waiting = { bytes, wake };
    });
  }

  /** Handles that the reader is gone, whether or not it has cancelled the body. */
  leave(): void {
    this.end();
    this.#wakeIfDrained();
    this.#onLeave();
  }

  /** Ends the body after everything sent before. */
  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  /**
   * Breaks the body off after everything sent before. A server that has not begun to send the body could still end it
   * normally, so it first gets all pending bytes, and one turn of the event loop to send them.
   */
  async fail(error: unknown, { cut, errorFor }: BodyAbort): Promise<void> {
    const controller = this.#controller;
    await this.drained(0);
    await turnEnd();
    if (!controller || this.#controller !== controller) return;
    // The connection's end cancels the body.
    if (cut) return cut();
    this.#controller = undefined;
    controller.error(errorFor(error));
  }

  #wakeIfDrained(): void {
    if (!this.#waiting || this.pending > this.#waiting.bytes) return;
    const { wake } = this.#waiting;
    this.#waiting = undefined;
    wake();
  }
}
