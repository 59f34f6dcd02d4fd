/**
 * The claims of this node.
 * @module
 */
import type { ClaimOptions } from "../../../engine/storage/append-handle.ts";
import { appenderConflict } from "../../../engine/storage/conflicts.ts";
import { StreamError } from "../../../protocol/errors.ts";
import type { Answer, Question } from "../nodes/questions.ts";

/** A claim of this node: one that it has, or is about to have. */
export class OwnClaim {
  readonly path: string;
  /** Whether the claim is cached between many short appends. */
  readonly isKept: boolean;
  /** The sequence of the claim; 0 while it is pending. */
  seq = 0;
  /** Whether the path is being released. */
  isReleasing = false;
  /** The node that has requested the path. */
  requester: string | undefined;
  readonly #revocation = new AbortController();
  readonly #handover = new AbortController();
  readonly #isLeaving: () => boolean;

  constructor(path: string, { kept = false, isLeaving = () => false }: ClaimOptions) {
    this.path = path;
    this.isKept = kept;
    this.#isLeaving = isLeaving;
  }

  /** Whether the path is being released, or will be soon. Asked when another node claims it. */
  get isLeaving(): boolean {
    return this.isReleasing || (this.seq > 0 && this.#isLeaving());
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
    this.requester = node;
    this.#handover.abort();
  }
}

/** All claims of this node. */
export class OwnClaims {
  readonly #claims = new Map<string, OwnClaim>();
  /** The paths that were requested from others, and how often. */
  readonly #wanted = new Map<string, number>();

  /** The claim of a path, once its record is stored. */
  get(path: string): OwnClaim | undefined {
    const claim = this.#claims.get(path);
    return claim && claim.seq > 0 ? claim : undefined;
  }

  /** The names of the folders in a folder below which paths are claimed, except for cached claims. */
  below(folder: string): Set<string> {
    const prefix = folder === "" ? "" : `${folder}/`;
    const names = new Set<string>();
    for (const { path, seq, isKept } of this.#claims.values()) {
      const end = path.indexOf("/", prefix.length);
      if (end !== -1 && seq > 0 && !isKept && path.startsWith(prefix)) names.add(path.slice(prefix.length, end));
    }
    return names;
  }

  /**
   * Begins to claim a path.
   *
   * @throws {StreamError} `conflict` if this node claims it already.
   */
  reserve(path: string, options: ClaimOptions): OwnClaim {
    if (this.#claims.has(path)) throw appenderConflict(path);
    const claim = new OwnClaim(path, options);
    this.#claims.set(path, claim);
    return claim;
  }

  /** Ends a claim. */
  free(claim: OwnClaim): void {
    if (this.#claims.get(claim.path) === claim) this.#claims.delete(claim.path);
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

  /** Answers another node. */
  answer({ kind, path, node, claim: seq }: Question): Answer {
    if (kind === "wanted") return this.#wanted.has(path) ? "yes" : "no";
    const claim = this.#claims.get(path);
    if (!claim || (seq !== undefined && claim.seq > 0 && claim.seq !== seq)) return "no";
    if (kind === "handover") claim.request(node);
    if (kind === "withdraw" && claim.requester === node) claim.requester = undefined;
    if (kind === "taken" && claim.seq === seq) claim.revoke(takenOver(path));
    // Reading `isLeaving` may begin to end the append, so only a question for a claim does that.
    return kind === "held" && claim.isLeaving ? "ending" : "yes";
  }
}

/** The error of an append whose path another node has claimed since. */
export function takenOver(path: string): StreamError {
  return new StreamError("fenced", `Another server process has taken over "/${path}".`, { path });
}
