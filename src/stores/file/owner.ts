/**
 * This process as an owner of claims under one root: the sign of life that others see, and its own doubt after a pause.
 * @module
 */
import { randomUUID } from "node:crypto";
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "./errors.ts";
import { namesIn } from "./folder.ts";
import { ownIdentity, type ProcessIdentity } from "./process-identity.ts";
import { type Reserved, removeFile, writeWhole } from "./reserved.ts";

/** Milliseconds after which a silent owner's claims may be taken over. */
export const LEASE_MS = 10_000;

/** Milliseconds between two signs of life. */
const BEAT_MS = 1_000;

/** An owner as it stands in its claims. */
export interface OwnerRecord extends ProcessIdentity {
  readonly id: string;
}

/** A claim, as its owner sees it. */
export interface OwnedClaim {
  /** Looks whether it is still there, after a pause in which it may have been taken away. */
  verify(): void;
  /** Looks whether another process asks for it. */
  listen(): Promise<void>;
}

/** Owners of this process, by root: two stores on one root are one owner. */
const owners = new Map<string, Owner>();

/** The owner for a root. */
export function ownerOf(root: string, reserved: Reserved): Owner {
  const known = owners.get(root);
  if (known) return known;
  const owner = new Owner(reserved);
  owners.set(root, owner);
  return owner;
}

/** Signs of life, for as long as it has claims. */
export class Owner {
  readonly record: OwnerRecord = { id: randomUUID(), ...ownIdentity() };
  readonly #reserved: Reserved;
  readonly #claims = new Set<OwnedClaim>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #turn: Promise<void> = Promise.resolve();
  #beating = false;
  #freshMs = Number.NEGATIVE_INFINITY;

  constructor(reserved: Reserved) {
    this.#reserved = reserved;
  }

  /** The file that it touches. */
  get file(): string {
    return join(this.#reserved.servers, this.record.id);
  }

  /**
   * Whether nobody can have taken a claim over: the last sign of life is young. Time in which the process stood still
   * counts.
   */
  get isFresh(): boolean {
    return performance.now() - this.#freshMs < LEASE_MS / 2;
  }

  /** Counts a claim in. Others see the sign of life before they see the claim. */
  begin(claim: OwnedClaim): Promise<void> {
    this.#claims.add(claim);
    return this.#inTurn(() => this.#appear());
  }

  /** Counts a claim out. */
  end(claim: OwnedClaim): Promise<void> {
    this.#claims.delete(claim);
    return this.#inTurn(() => this.#vanish());
  }

  /** One after the other: who begins while the last one ends must not have its sign of life removed. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #appear(): Promise<void> {
    if (this.#timer !== undefined || this.#claims.size === 0) return;
    await writeWhole(this.#reserved, this.file, this.record, false);
    this.#freshMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), BEAT_MS);
    this.#timer.unref?.();
  }

  async #vanish(): Promise<void> {
    if (this.#timer === undefined || this.#claims.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    await removeFile(this.file);
  }

  #tick(): void {
    if (this.#beating) return;
    this.#beating = true;
    // A failed beat makes the owner stale, and a stale owner looks before and after every write.
    void this.#inTurn(() => this.#beat())
      .catch(() => {})
      .finally(() => {
        this.#beating = false;
      });
  }

  /** Gives a sign of life; after a pause, looks at every claim before it is trusted again. */
  async #beat(): Promise<void> {
    if (this.#timer === undefined) return;
    const wasFresh = this.isFresh;
    const atMs = performance.now();
    const now = new Date();
    try {
      await utimes(this.file, now, now);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await writeWhole(this.#reserved, this.file, this.record, false);
    }
    // Touched first and looked after: whoever judged us by the old sign has taken the claim by now, or will see the new.
    if (!wasFresh) for (const claim of this.#claims) claim.verify();
    this.#freshMs = atMs;
    // Mostly there is nothing: one look for all claims.
    if ((await namesIn(this.#reserved.wanted)).length > 0) {
      await Promise.all([...this.#claims].map((claim) => claim.listen()));
    }
  }
}
