/**
 * A model that says what the test makes it say.
 * @module
 */

/** Its answer is {@link stream}. */
export class Model {
  readonly stream: ReadableStream<string>;
  #controller: ReadableStreamDefaultController<string> | undefined;
  #onPull: () => void = () => {};

  constructor() {
    this.stream = new ReadableStream<string>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#onPull(),
    });
  }

  /** Resolves when all that it has said was taken. */
  async isHeard(): Promise<void> {
    while ((this.#controller?.desiredSize ?? 1) < 1) {
      await new Promise<void>((resolve) => {
        this.#onPull = resolve;
      });
    }
  }

  /** Says a piece of the answer. */
  say(text: string): void {
    this.#controller?.enqueue(text);
  }

  /** Ends the answer. */
  end(): void {
    this.#controller?.close();
  }

  /** Fails in the middle of the answer. */
  fail(error: Error): void {
    this.#controller?.error(error);
  }
}
