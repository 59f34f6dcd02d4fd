/**
 * The operations of clients of a store on one path, and their results: the history that {@link violationIn} judges.
 * @module
 */

/** When an operation ran, by `performance.now()`, and whose it was. */
interface Timed {
  /** Its place in the history. */
  readonly id: number;
  /** The process that it was a call of: a process sees at once what it has changed itself. */
  readonly process: number;
  readonly beganMs: number;
  /** When its answer came. Infinity without an answer: then it may take effect at any later time, or never. */
  readonly endedMs: number;
}

/** A claim. Without `told`, it is not known whether it took effect. */
export interface ClaimOperation extends Timed {
  readonly kind: "claim";
  readonly told?: { readonly epoch: number; readonly offset: number };
}

/** An append of the bytes from one offset to another, by the claim with an id. */
export interface AppendOperation extends Timed {
  readonly kind: "append";
  readonly claim: number;
  readonly from: number;
  readonly to: number;
  /** `fenced`: another claim has the path, and nothing was stored. `unknown`: it may be stored, now, later or never. */
  readonly outcome: "stored" | "fenced" | "unknown";
}

/** A look at the size of the path; 0 if it does not exist. */
export interface StatOperation extends Timed {
  readonly kind: "stat";
  readonly size: number;
}

/** A read of the bytes before an offset. `short`: the store said that there are fewer. */
export interface ReadOperation extends Timed {
  readonly kind: "read";
  readonly to: number;
  readonly outcome: "whole" | "short";
}

/** One operation. */
export type Operation = ClaimOperation | AppendOperation | StatOperation | ReadOperation;

type Unplaced<O> = O extends Operation ? Omit<O, keyof Timed> : never;

/** An operation, without when it ran and whose it was. */
export type Result = Unplaced<Operation>;

/** Records the operations of one path. */
export class History {
  /** The path, for messages. */
  readonly path: string;
  readonly operations: Operation[] = [];
  #next = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** An id for an operation that begins now. */
  newId(): number {
    return this.#next++;
  }

  /**
   * Adds an operation.
   *
   * @param begun Its id, its process, and when it began.
   * @param result The result of the operation.
   * @param isAnswered Whether what came of it is known.
   */
  add(begun: Pick<Timed, "id" | "process" | "beganMs">, result: Result, isAnswered = true): void {
    const endedMs = isAnswered ? performance.now() : Number.POSITIVE_INFINITY;
    this.operations.push({ ...begun, endedMs, ...result });
  }
}

/** An operation in words, for messages. */
export function inWords(operation: Operation): string {
  const { process, beganMs, endedMs } = operation;
  const time = `${beganMs.toFixed(1)} to ${endedMs === Number.POSITIVE_INFINITY ? "?" : endedMs.toFixed(1)} ms`;
  return `process ${process}, ${time}: ${resultInWords(operation)}`;
}

function resultInWords(operation: Operation): string {
  if (operation.kind === "claim") {
    const { told } = operation;
    return `claim ${operation.id}: ${told ? `epoch ${told.epoch} at ${told.offset}` : "not known"}`;
  }
  if (operation.kind === "append") {
    const { claim, from, to, outcome } = operation;
    return `append by claim ${claim} of ${from} to ${to}: ${outcome}`;
  }
  if (operation.kind === "stat") return `stat: ${operation.size} bytes`;
  return `read of the bytes before ${operation.to}: ${operation.outcome}`;
}
