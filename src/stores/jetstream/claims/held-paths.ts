/**
 * The paths that this node holds, or is about to claim.
 * @module
 */
import type { ClaimOptions } from "../../../engine/storage/append-handle.ts";
import { heldByAppender } from "../../../engine/storage/conflicts.ts";
import { StreamError } from "../../../protocol/errors.ts";
import type { Answer, Question } from "../nodes/questions.ts";

/** A path that this node holds, or is about to claim. */
export class HeldPath {
  readonly path: string;
  /** Whether the claim is cached between many short appends. */
  readonly isKept: boolean;
  /** The sequence of the claim; 0 while it is pending. */
  claim = 0;
  /** Whether the path is being released. */
  isReleasing = false;
  /** The node that has requested the path. */
  asker: string | undefined;
  readonly #revocation = new AbortController();
  readonly #handover = new AbortController();
  readonly #isLeaving: () => boolean;

  constructor(path: string, { kept = false, isLeaving = () => false }: ClaimOptions) {
    this.path = path;
    this.isKept = kept;
    this.#isLeaving = isLeaving;
  }

  /** Whether the path is released, or will be soon. Asked when another node wants it. */
  get isLeaving(): boolean {
    return this.isReleasing || (this.claim > 0 && this.#isLeaving());
  }

  /** Aborts when the path can't be appended to any more. */
  get revoked(): AbortSignal {
    return this.#revocation.signal;
  }

  /** Aborts when another node requests the path. */
  get handoverRequested(): AbortSignal {
    return this.#handover.signal;
  }

  /** Ends the append: another node has taken the path, or nothing can be stored. */
  revoke(error: StreamError): void {
    this.#revocation.abort(error);
  }

  /** Another node requests the path. */
  request(node: string): void {
    this.asker = node;
    this.#handover.abort();
  }
}

/** All of them. */
export class HeldPaths {
  readonly #held = new Map<string, HeldPath>();
  /** The paths that were requested from others, and how often. */
  readonly #wanted = new Map<string, number>();

  /** What is held of a path, once it is claimed. */
  get(path: string): HeldPath | undefined {
    const held = this.#held.get(path);
    return held && held.claim > 0 ? held : undefined;
  }

  /** All paths that are claimed. */
  all(): HeldPath[] {
    return [...this.#held.values()].filter(({ claim }) => claim > 0);
  }

  /** The names of the folders in a folder below which paths are claimed, except for cached claims. */
  below(folder: string): Set<string> {
    const prefix = folder === "" ? "" : `${folder}/`;
    const names = new Set<string>();
    for (const { path, claim, isKept } of this.#held.values()) {
      const end = path.indexOf("/", prefix.length);
      if (end !== -1 && claim > 0 && !isKept && path.startsWith(prefix)) names.add(path.slice(prefix.length, end));
    }
    return names;
  }

  /**
   * Begins to claim a path.
   *
   * @throws {StreamError} `conflict` if it is held already.
   */
  reserve(path: string, options: ClaimOptions): HeldPath {
    if (this.#held.has(path)) throw heldByAppender(path);
    const held = new HeldPath(path, options);
    this.#held.set(path, held);
    return held;
  }

  /** Ends a claim. */
  free(held: HeldPath): void {
    if (this.#held.get(held.path) === held) this.#held.delete(held.path);
  }

  /** Notes that a path was requested from another node; call the result when it is not wanted any more. */
  want(path: string): () => void {
    this.#wanted.set(path, (this.#wanted.get(path) ?? 0) + 1);
    return () => {
      const left = (this.#wanted.get(path) ?? 1) - 1;
      if (left > 0) this.#wanted.set(path, left);
      else this.#wanted.delete(path);
    };
  }

  /** Whether a path was requested, and is still wanted. */
  wants(path: string): boolean {
    return this.#wanted.has(path);
  }

  /** Answers another node. */
  answer({ kind, path, node, claim }: Question): Answer {
    if (kind === "wanted") return this.#wanted.has(path) ? "yes" : "no";
    const held = this.#held.get(path);
    if (!held || (claim !== undefined && held.claim > 0 && held.claim !== claim)) return "no";
    if (kind === "handover") held.request(node);
    if (kind === "withdraw" && held.asker === node) held.asker = undefined;
    if (kind === "taken" && held.claim === claim) held.revoke(takenOver(path));
    // It may begin to end the append: only a claim may do that.
    return kind === "held" && held.isLeaving ? "ending" : "yes";
  }
}

/** The error of an append whose path another node has claimed since. */
export function takenOver(path: string): StreamError {
  return new StreamError("fenced", `Another server process has taken over "/${path}".`, { path });
}
