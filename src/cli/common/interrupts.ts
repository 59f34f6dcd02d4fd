/**
 * Handles Ctrl-C and the other signals that end a process.
 * @module
 */
import process from "node:process";
import { interruptedBy } from "./exit-codes.ts";
import { ignoresHangups } from "./nohup.ts";

const SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM"];

/**
 * Milliseconds within which a repeated signal counts as the same press of Ctrl-C: the terminal sends it to the whole
 * foreground process group, and npm, npx and `bun run` forward it to their child once more.
 */
const SAME_PRESS_MS = 500;

/** The first signal requests a clean end; the second one exits at once. */
export class Interrupts {
  /** The first signal; undefined before that. */
  received: NodeJS.Signals | undefined;
  readonly #controller = new AbortController();

  /** Starts listening for signals. */
  constructor() {
    let receivedAt = 0;
    // Determined before listeners are added, because a listener changes the disposition of the signal.
    const ignoresHangup = ignoresHangups();
    // Node has already reset the disposition to the default, so a listener must ignore the signal.
    if (ignoresHangup) process.on("SIGHUP", () => {});
    for (const signal of ignoresHangup ? SIGNALS : [...SIGNALS, "SIGHUP" as const]) {
      process.on(signal, () => {
        if (this.received === undefined) {
          this.received = signal;
          receivedAt = performance.now();
          this.#controller.abort();
        } else if (performance.now() - receivedAt > SAME_PRESS_MS) process.exit(interruptedBy(signal));
      });
    }
  }

  /** Aborts at the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves at the first signal, or at once if it has already arrived. */
  get first(): Promise<void> {
    const { signal } = this;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }

  /** The exit code of a finished command: the one of the signal if there was one, otherwise `otherwise`. */
  exitCode(otherwise: number): number {
    return this.received ? interruptedBy(this.received) : otherwise;
  }
}
