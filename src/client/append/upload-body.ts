/**
 * The body of an append over HTTP.
 * @module
 */
import { Condition } from "../../support/condition.ts";

/** A stream of bytes that accepts each piece only when its reader asks for it. */
export class UploadBody {
  /** The stream. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Resolves when a reader asks for the first piece. */
  readonly wanted: Promise<void>;
  /** Whether its reader has asked for a piece. */
  isWanted = false;
  /** Whether it has ended, or its reader has left. */
  isOver = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Whether a reader waits for a piece. */
  #hungry = false;
  readonly #changed = new Condition();

  constructor() {
    let setWanted = (): void => {};
    this.wanted = new Promise((resolve) => {
      setWanted = resolve;
    });
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.isWanted = this.#hungry = true;
          setWanted();
          this.#changed.wake();
        },
        cancel: () => {
          this.isOver = true;
          this.#changed.wake();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /**
   * Hands a piece over, which the caller must not modify. Resolves when the reader has it, with false if the reader has
   * left.
   */
  async write(piece: Uint8Array): Promise<boolean> {
    await this.consumed();
    if (this.isOver) return false;
    this.#hungry = false;
    this.#controller?.enqueue(piece);
    return true;
  }

  /** Waits until the reader asks for more than it has, or has left. */
  async consumed(): Promise<void> {
    while (!this.#hungry && !this.isOver) await this.#changed.wait();
  }

  /** Ends it. */
  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#controller?.close();
  }

  /** Breaks it off. */
  fail(reason: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#controller?.error(reason);
    this.#changed.wake();
  }
}
