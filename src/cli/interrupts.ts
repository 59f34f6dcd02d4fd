/**
 * Ctrl-C and its relatives.
 * @module
 */
import process from "node:process";
import { interruptedBy } from "./exit-codes.ts";

const SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** The first signal is a request to end well; the second one ends the process at once. */
export class Interrupts {
  /** The signal that came, if one did. */
  received: NodeJS.Signals | undefined;
  readonly #controller = new AbortController();

  /** Begins to listen. */
  constructor() {
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (this.received) process.exit(interruptedBy(signal));
        this.received = signal;
        this.#controller.abort();
      });
    }
  }

  /** Aborts with the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code of a command that ended: that of the signal, if one came. */
  exitCode(otherwise: number): number {
    return this.received ? interruptedBy(this.received) : otherwise;
  }
}
