/**
 * The standing follows of one server.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { checkGeneration } from "../../protocol/generation.ts";
import { resolveStart, type Start } from "../../protocol/offset.ts";
import { PathWatch } from "./path-watch.ts";
import { PollingSchedule } from "./polling-schedule.ts";
import { type Situation, type StandingParts, situationAt } from "./situation.ts";
import { StandingFollow } from "./standing-follow.ts";

/** Where a standing follow begins. */
export interface StandingStart {
  readonly start: Start;
  /** The generation that the content must have; undefined for any. */
  readonly generation: string | undefined;
  /** Whether its listener is notified of each append that ends. Default true. */
  readonly tells?: boolean;
}

/**
 * Opens standing follows, and wakes them. An append in this process and a removal wake them at once, and so does an
 * append in another process that is reported to the store. Everything else that other processes and programs do to a
 * path is found by polling it, about once per second, at a limited rate for all paths.
 */
export class StandingFollows {
  readonly #parts: StandingParts;
  readonly #watches = new Map<string, PathWatch>();
  /** Ends the notices of other processes. */
  readonly #unheard = new Map<PathWatch, () => void>();
  /** Undefined if nothing else can change the store. */
  readonly #rounds: PollingSchedule<PathWatch> | undefined;

  constructor(parts: StandingParts) {
    this.#parts = parts;
    const { store, notices } = parts.registry;
    this.#rounds = store.isPrivate ? undefined : new PollingSchedule((watch) => watch.poll());
    notices.listen((path) => this.#watches.get(path)?.noticed());
  }

  /**
   * Opens a standing follow. The path need not exist.
   *
   * @throws {StreamError} `not_found` if the path does not exist and a generation is required, `replaced` for another
   * generation, `range` for an offset past the size, `restarting` on shutdown; what {@link Store.stat} throws.
   * @example
   * ```ts
   * const follow = await standing.open("app.log", { start: { tail: 100 }, generation: undefined });
   * await follow.run(sink, { text: false, idle: (offset) => console.log("waiting at", offset) });
   * follow.leave();
   * ```
   */
  async open(path: string, { start, generation, tells = true }: StandingStart): Promise<StandingFollow> {
    const watch = this.#watchOf(path);
    const release = (): void => this.#release(watch);
    let situation: Situation | undefined;
    try {
      situation = await situationAt(watch, this.#parts);
      const { size, generation: present } = situation.lease?.source ?? situation.look.found ?? { size: 0 };
      if (generation !== undefined && present === undefined) {
        throw new StreamError("not_found", `"/${path}" does not exist.`, { path });
      }
      checkGeneration(path, generation, present);
      return new StandingFollow(this.#parts, { watch, release, tells }, situation, resolveStart(start, size));
    } catch (error) {
      situation?.lease?.leave();
      release();
      throw error;
    }
  }

  #watchOf(path: string): PathWatch {
    const { store } = this.#parts.registry;
    const onWaiting = (waiting: PathWatch, isWaiting: boolean): void => {
      if (isWaiting) this.#rounds?.add(waiting);
      else this.#rounds?.remove(waiting);
    };
    const watch = this.#watches.get(path) ?? new PathWatch(path, { stat: () => store.stat(path), onWaiting });
    this.#watches.set(path, watch);
    if (watch.leases++ === 0 && store.notices)
      this.#unheard.set(
        watch,
        store.notices(path, () => watch.hinted()),
      );
    return watch;
  }

  #release(watch: PathWatch): void {
    watch.leases--;
    if (watch.leases > 0) return;
    this.#watches.delete(watch.path);
    this.#unheard.get(watch)?.();
    this.#unheard.delete(watch);
  }
}
