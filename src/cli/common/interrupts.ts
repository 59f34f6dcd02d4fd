/**
 * Ctrl-C and its relatives.
 * @module
 */
import process from "node:process";
import { interruptedBy } from "./exit-codes.ts";
import { outlivesTerminal } from "./nohup.ts";

const SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM"];

/**
 * Milliseconds in which a repeated signal is the same press of Ctrl-C: the terminal sends it to everybody in the
 * foreground, and npm, npx and `bun run` pass it on to their child once more.
 */
const SAME_PRESS_MS = 500;

/** The first signal is a request to end well; the second one ends the process at once. */
export class Interrupts {
  /** The signal that came, if one did. */
  received: NodeJS.Signals | undefined;
  readonly #controller = new AbortController();

  /** Begins to listen. */
  constructor() {
    let receivedAt = 0;
    // Asked once: a listener takes back that the signal is ignored.
    const isToOutlive = outlivesTerminal();
    // Node has taken it back already, so it must be said anew.
    if (isToOutlive) process.on("SIGHUP", () => {});
    for (const signal of isToOutlive ? SIGNALS : [...SIGNALS, "SIGHUP" as const]) {
      process.on(signal, () => {
        if (this.received === undefined) {
          this.received = signal;
          receivedAt = performance.now();
          this.#controller.abort();
        } else if (performance.now() - receivedAt > SAME_PRESS_MS) process.exit(interruptedBy(signal));
      });
    }
  }

  /** Aborts with the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves with the first signal, also when that has come already. */
  get first(): Promise<void> {
    const { signal } = this;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }

  /** The exit code of a command that ended: that of the signal, if one came. */
  exitCode(otherwise: number): number {
    return this.received ? interruptedBy(this.received) : otherwise;
  }
}
