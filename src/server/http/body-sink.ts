/**
 * A live response body, seen as a follower's sink.
 * @module
 */

import { turnEnd } from "../../engine/append/turn.ts";
import type { Sink } from "../../engine/follow/follower.ts";
import type { Frame } from "../../engine/follow/frame.ts";
import type { Breaking } from "./counted.ts";

/** Bytes that a response body holds before it asks its follower to wait. */
const HIGH_WATER_BYTES = 64 * 1024;

/** Frames in, a response body out. */
export class BodySink implements Sink {
  /** The body. */
  readonly stream: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #waiting: { bytes: number; wake: () => void } | undefined;
  readonly #onLeave: () => void;

  /** @param onLeave The reader has gone. */
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

  /** The reader has gone, whether it says so itself or not. */
  leave(): void {
    this.end();
    this.#wakeIfDrained();
    this.#onLeave();
  }

  /** Ends the body, after everything sent before. */
  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  /**
   * Breaks the body off, after everything sent before. A server that has not begun to send it could still give it a proper
   * end, so it gets what there is first, and a moment to do so.
   */
  async fail(error: unknown, { cut, quiet }: Breaking): Promise<void> {
    const controller = this.#controller;
    await this.drained(0);
    await turnEnd();
    if (!controller || this.#controller !== controller) return;
    // The body is cancelled with its connection.
    if (cut) return cut();
    this.#controller = undefined;
    controller.error(quiet(error));
  }

  #wakeIfDrained(): void {
    if (!this.#waiting || this.pending > this.#waiting.bytes) return;
    const { wake } = this.#waiting;
    this.#waiting = undefined;
    wake();
  }
}
