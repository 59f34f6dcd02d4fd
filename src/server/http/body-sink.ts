/**
 * A live response body as the sink of a follower.
 * @module
 */

import { turnEnd } from "../../engine/append/turn.ts";
import type { Sink } from "../../engine/follow/follower.ts";
import { Frame } from "../../engine/follow/frame.ts";
import { type BodyWriter, type LiveBody, liveBodies } from "../platform/live-body.ts";
import type { BodyAbort } from "./count-bytes.ts";

/** High-water mark: bytes that a response body buffers before it asks its follower to wait. */
const HIGH_WATER_BYTES = 64 * 1024;

/** Receives frames, and provides them as a response body. */
export class BodySink implements Sink, LiveBody {
  /** The body. */
  readonly stream: ReadableStream<Uint8Array>;
  /** The stream's controller; undefined once the body has ended. */
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Gets the frames instead of the stream; see {@link divert}. */
  #writer: BodyWriter | undefined;
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
    liveBodies.set(this.stream, this);
  }

  get pending(): number {
    if (!this.#controller) return 0;
    if (this.#writer) return this.#writer.pending;
    return HIGH_WATER_BYTES - (this.#controller.desiredSize ?? HIGH_WATER_BYTES);
  }

  send(frame: Frame): void {
    if (!this.#controller) return;
    if (this.#writer) this.#writer.send(frame);
    else this.#controller.enqueue(frame.bytes);
  }

  drained(bytes: number): Promise<void> {
    if (this.pending <= bytes) return Promise.resolve();
    if (this.#writer) return this.#writer.drained(bytes);
    return new Promise((wake) => {
      this.#waiting = { bytes, wake };
    });
  }

  async divert(writer: BodyWriter): Promise<void> {
    const reader = this.stream.getReader();
    // No await may come between the last check of the stream and the switch.
    while (!this.#controller || this.pending > 0) {
      const { done, value } = await reader.read();
      if (done) return writer.end();
      writer.send(new Frame(value, false));
    }
    this.#writer = writer;
  }

  /** Handles that the reader is gone, whether or not it has cancelled the body. */
  leave(): void {
    this.end();
    this.#wakeIfDrained();
    this.#onLeave();
  }

  /** Ends the body after everything sent before. */
  end(): void {
    const controller = this.#controller;
    this.#controller = undefined;
    if (controller && this.#writer) this.#writer.end();
    else controller?.close();
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
    // When the connection ends, the runtime cancels the body.
    if (cut) return cut();
    this.#controller = undefined;
    controller.error(errorFor(error));
  }

  /** Breaks the body off at once, whether or not its reader has read what was sent before. */
  drop(error: unknown, { drop, errorFor }: BodyAbort): void {
    const controller = this.#controller;
    this.#controller = undefined;
    drop?.();
    if (!this.#writer) controller?.error(errorFor(error));
    this.#wakeIfDrained();
  }

  #wakeIfDrained(): void {
    if (!this.#waiting || this.pending > this.#waiting.bytes) return;
    const { wake } = this.#waiting;
    this.#waiting = undefined;
    wake();
  }
}
