/**
 * Judges whether a history of one path could have happened if each operation had taken effect at one moment between its call
 * and its answer: whether it is linearizable.
 *
 * The path is a register of its claimant, the epoch of the claim, and its number of bytes. The search follows the
 * history in time, and keeps all states in which the path can be. An operation takes effect as late as possible, when
 * an answer needs it ("just in time", as G. Lowe describes in "Testing for linearizability"). An operation that only
 * looks takes effect as early as possible.
 * @module
 */
import { inWords, type Operation } from "./history.ts";

/** The claim of states in which a claim without an answer has the path. Such claims are alike: none of them appends. */
const UNKNOWN = -2;

/** The claim of the state before the first claim. */
const NONE = -1;

/** How many states the search may keep before it gives up. */
const MAX_STATES = 200_000;

/** A state of the path, with what has begun and has not taken effect in it. */
interface Place {
  readonly claim: number;
  /** The greatest epoch so far. */
  readonly epoch: number;
  readonly size: number;
  /** The ids of the operations that have begun and have not taken effect, in their order. */
  readonly open: readonly number[];
}

/** Options of {@link violationIn}. */
export interface JudgeOptions {
  /**
   * Milliseconds for which looks may answer with what was true, except about what their own process has changed. It is
   * `Store.maxStaleMs`. Default 0.
   */
  readonly staleMs?: number;
}

/**
 * Returns why a history is not linearizable; undefined if it is.
 *
 * @throws {Error} if the history leaves too much open to be judged.
 * @example
 * ```ts
 * const why = violationIn(history.operations, { staleMs: store.maxStaleMs ?? 0 });
 * if (why !== undefined) throw new Error(why);
 * ```
 */
export function violationIn(operations: readonly Operation[], { staleMs = 0 }: JudgeOptions = {}): string | undefined {
  return new Search(operations, staleMs).run();
}

/** An end or a beginning of an operation. */
interface Event {
  readonly atMs: number;
  /** The place among those at the same time. */
  readonly rank: number;
  readonly operation: Operation;
  readonly isEnd: boolean;
}

/**
 * Of two events at the same time, beginnings come before ends, which allows more orders; but a look begins after the
 * change that it must see.
 */
const RANKS = { begin: 0, end: 1, beginAfterEnd: 2 } as const;

class Search {
  readonly #byId: ReadonlyMap<number, Operation>;
  readonly #events: readonly Event[];
  #places: readonly Place[] = [{ claim: NONE, epoch: Number.NEGATIVE_INFINITY, size: 0, open: [] }];

  constructor(operations: readonly Operation[], staleMs: number) {
    this.#byId = new Map(operations.map((operation) => [operation.id, operation]));
    this.#events = eventsOf(operations, staleMs);
  }

  run(): string | undefined {
    for (const { operation, isEnd } of this.#events) {
      if (!isEnd) {
        const begun = this.#places.map((place) => this.#looked({ ...place, open: [...place.open, operation.id] }));
        this.#places = distinct(begun);
        continue;
      }
      const before = this.#places;
      this.#places = this.#reaching(operation.id);
      if (this.#places.length === 0) return this.#explained(operation, before);
    }
    return undefined;
  }

  /** The places in which an operation has taken effect, from the present ones on. */
  #reaching(id: number): readonly Place[] {
    const reached: Place[] = [];
    const seen = new Set<string>();
    const left = [...this.#places];
    for (let place = left.pop(); place; place = left.pop()) {
      const key = keyOf(place);
      if (seen.has(key)) continue;
      seen.add(key);
      if (seen.size > MAX_STATES) throw new Error("The history leaves too much open: nothing can be said about it.");
      if (!place.open.includes(id)) reached.push(place);
      else left.push(...this.#next(place));
    }
    return reached;
  }

  /** The places to which one open operation leads. */
  #next(place: Place): Place[] {
    let hasUnknown = false;
    return place.open.flatMap((id) => {
      const operation = this.#operation(id);
      // Claims without an answer have the same effect: one of them stands for all.
      const isUnknown = operation.kind === "claim" && operation.told === undefined;
      if (isUnknown && hasUnknown) return [];
      hasUnknown ||= isUnknown;
      const after = effectOf(operation, place);
      return after ? [this.#looked({ ...after, open: place.open.filter((other) => other !== id) })] : [];
    });
  }

  /** A place without the open operations that only look and see it as it is, and without those that can't come any more. */
  #looked(place: Place): Place {
    const open = place.open.filter((id) => {
      const operation = this.#operation(id);
      return !isSeen(operation, place) && !(isUnanswered(operation) && this.#isPast(operation, place));
    });
    return open.length === place.open.length ? place : { ...place, open };
  }

  /** Whether an operation without an answer can't take effect any more. */
  #isPast(operation: Operation, { epoch, size }: Place): boolean {
    if (operation.kind !== "append") return false;
    const claim = this.#byId.get(operation.claim);
    const told = claim?.kind === "claim" ? claim.told : undefined;
    return operation.from < size || (told !== undefined && told.epoch < epoch);
  }

  #operation(id: number): Operation {
    const operation = this.#byId.get(id);
    if (!operation) throw new Error(`The history has no operation ${id}.`);
    return operation;
  }

  #explained(operation: Operation, places: readonly Place[]): string {
    const states = places.slice(0, 5).map(({ claim, epoch, size, open }) => {
      const pending = open.map((id) => `\n      open: ${inWords(this.#operation(id))}`).join("");
      return `\n    ${size} bytes, the greatest epoch ${epoch}, ${claimInWords(claim)}${pending}`;
    });
    return `This can't be: ${inWords(operation)}. Until then, the path must have had${states.join("\n    or")}`;
  }
}

/** Begins and ends in their order. */
function eventsOf(operations: readonly Operation[], staleMs: number): Event[] {
  const changes = operations.filter(isAnsweredChange);
  const events = operations.flatMap((operation): Event[] => {
    const begin = { ...beginOf(operation, changes, staleMs), operation, isEnd: false };
    if (isUnanswered(operation)) return [begin];
    return [begin, { atMs: operation.endedMs, rank: RANKS.end, operation, isEnd: true }];
  });
  return events.sort((one, other) => one.atMs - other.atMs || one.rank - other.rank);
}

/** When an operation can have taken effect at the earliest: a look may answer with what was true a while ago. */
function beginOf(
  operation: Operation,
  changes: readonly Operation[],
  staleMs: number,
): { readonly atMs: number; readonly rank: number } {
  const { kind, beganMs, endedMs, process } = operation;
  if ((kind !== "stat" && kind !== "read") || staleMs === 0) return { atMs: beganMs, rank: RANKS.begin };
  const own = changes.filter((change) => change.process === process && change.endedMs <= beganMs);
  const lastMs = own.reduce((last, change) => Math.max(last, change.endedMs), Number.NEGATIVE_INFINITY);
  const earliestMs = beganMs - staleMs;
  if (lastMs < earliestMs) return { atMs: earliestMs, rank: RANKS.begin };
  return { atMs: lastMs, rank: lastMs < endedMs ? RANKS.beginAfterEnd : RANKS.begin };
}

function isAnsweredChange(operation: Operation): boolean {
  if (operation.kind === "claim") return operation.told !== undefined;
  return operation.kind === "append" && operation.outcome === "stored";
}

function isUnanswered(operation: Operation): boolean {
  return operation.endedMs === Number.POSITIVE_INFINITY;
}

/** Whether an operation that changes nothing sees the path as it is. */
function isSeen(operation: Operation, { claim, size }: Place): boolean {
  if (operation.kind === "stat") return operation.size === size;
  if (operation.kind === "read") return operation.outcome === "whole" ? size >= operation.to : size < operation.to;
  return operation.kind === "append" && operation.outcome === "fenced" && operation.claim !== claim;
}

/** The state of the path after an operation; undefined if the operation can't take effect there. */
function effectOf(operation: Operation, place: Place): Omit<Place, "open"> | undefined {
  const { claim, epoch, size } = place;
  if (operation.kind === "claim") {
    const { told } = operation;
    if (told === undefined) return claim === UNKNOWN ? undefined : { claim: UNKNOWN, epoch, size };
    return told.epoch > epoch && told.offset === size ? { claim: operation.id, epoch: told.epoch, size } : undefined;
  }
  if (operation.kind !== "append" || operation.outcome === "fenced") return undefined;
  const isNext = operation.claim === claim && operation.from === size;
  return isNext ? { claim, epoch, size: operation.to } : undefined;
}

function distinct(places: readonly Place[]): Place[] {
  return [...new Map(places.map((place) => [keyOf(place), place])).values()];
}

function keyOf({ claim, epoch, size, open }: Place): string {
  return `${claim}/${epoch}/${size}/${open.join()}`;
}

function claimInWords(claim: number): string {
  if (claim === NONE) return "and no claim";
  return claim === UNKNOWN ? "and a claim without an answer" : `and claim ${claim}`;
}
