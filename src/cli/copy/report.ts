/**
 * The messages of the copy on standard error.
 * @module
 */
import { errorLine } from "../common/error-line.ts";
import { humanBytes } from "../common/human-bytes.ts";
import { type Outcome, Refusal } from "./copy-path.ts";

/** Milliseconds between two lines about the progress. */
const PROGRESS_MS = 5_000;

/** How the report speaks. */
export interface ReportOptions {
  /** What the user has typed, for messages. */
  readonly command: string;
  /** Whether each path gets a line. */
  readonly verbose: boolean;
  /** Whether nothing is copied, but compared. */
  readonly isCheck: boolean;
  /** Prints a line. */
  say(line: string): void;
}

/** Counts, and says how far the copy has come. */
export class Report {
  readonly #options: ReportOptions;
  readonly #counts: Record<Outcome, number> = { copied: 0, same: 0, open: 0, gone: 0 };
  readonly #timer: ReturnType<typeof setInterval>;
  #bytes = 0;
  #failures = 0;
  #last = "";

  constructor(options: ReportOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#progress(), PROGRESS_MS);
    // It must not keep the process alive.
    (this.#timer as { unref?(): void }).unref?.();
  }

  /** How many paths were not copied, or differ. */
  get failures(): number {
    return this.#failures;
  }

  /** Bytes were stored. */
  stored(bytes: number): void {
    this.#bytes += bytes;
  }

  /** A path is done. */
  done(path: string, outcome: Outcome): void {
    this.#counts[outcome]++;
    if (this.#options.verbose) this.#options.say(`${WORDS[outcome]}: /${path}`);
  }

  /** A path was not copied, or something else has failed. */
  failed(path: string | undefined, error: unknown): void {
    this.#failures++;
    const why = error instanceof Refusal ? error.message : errorLine(error);
    this.#options.say(`${this.#options.command}: ${path === undefined ? "" : `/${path}: `}${why}`);
  }

  /** Prints a line. */
  note(line: string): void {
    this.#options.say(line);
  }

  /** Ends the report with a line about everything. */
  end(): void {
    clearInterval(this.#timer);
    this.#options.say(this.#line());
  }

  #progress(): void {
    const line = this.#line();
    if (line !== this.#last) this.#options.say(line);
    this.#last = line;
  }

  #line(): string {
    const { copied, same, open } = this.#counts;
    const parts = this.#options.isCheck
      ? [`${same} the same`]
      : [`${copied} copied (${humanBytes(this.#bytes)})`, `${same} already there`];
    if (open > 0) parts.push(`${open} still being appended to`);
    if (this.#failures > 0) parts.push(`${this.#failures} ${this.#options.isCheck ? "different" : "failed"}`);
    return parts.join(", ");
  }
}

const WORDS: Readonly<Record<Outcome, string>> = {
  copied: "copied",
  same: "already there",
  open: "copied as far as it is stored",
  gone: "gone meanwhile",
};
