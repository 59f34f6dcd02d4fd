/**
 * Clients that read nothing of a large body for longer than the operator allows.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { StaggeredInterval } from "./staggered-interval.ts";

/** Checks per limit: a reader is found at most a quarter of the limit too late. */
const LOOKS = 4;

/** One reader of a body. The pieces that it has received and its requests for more show whether it continues. */
export class BodyReading {
  /** Breaks the body off. */
  readonly stalled: (error: StreamError) => void;
  /** Pieces that it waits for. */
  #asked = 0;
  #movedMs = performance.now();

  constructor(stalled: (error: StreamError) => void) {
    this.stalled = stalled;
  }

  /** It asks for a piece: what it was given before is gone, at least for the most part. */
  asks(): void {
    this.#asked++;
  }

  /** The body has answered. */
  gets(): void {
    this.#asked--;
    this.#movedMs = performance.now();
  }

  /** Milliseconds since it last got something, if it has not asked for more. While it waits for the store, it is not idle. */
  idleMs(nowMs: number): number {
    return this.#asked > 0 ? 0 : nowMs - this.#movedMs;
  }
}

/** The readers of one server, checked with one timer. */
export class StalledReaders {
  readonly #limitMs: number;
  readonly #interval: StaggeredInterval<BodyReading> | undefined;

  /** @param limitMs Milliseconds for which a client may read nothing; 0 for no limit. */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    if (limitMs > 0)
      this.#interval = new StaggeredInterval(Math.ceil(limitMs / LOOKS), (reading) => this.#look(reading));
  }

  /** Watches a reader until {@link remove}, or until it has stalled. */
  add(reading: BodyReading): void {
    this.#interval?.add(reading);
  }

  /** Stops watching a reader. */
  remove(reading: BodyReading): void {
    this.#interval?.remove(reading);
  }

  #look(reading: BodyReading): void {
    if (reading.idleMs(performance.now()) < this.#limitMs) return;
    this.remove(reading);
    reading.stalled(new StreamError("idle", `The client read nothing of the body for ${this.#limitMs / 1000} s.`));
  }
}
