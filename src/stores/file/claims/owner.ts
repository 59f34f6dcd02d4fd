/**
 * This process as an owner of claims under one root: the sign of life that others see, and its own doubt after a pause.
 * @module
 */
import { randomUUID } from "node:crypto";
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../folders/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { ownIdentity, type ProcessIdentity } from "../processes/process-identity.ts";
import { Sightings } from "../processes/sightings.ts";
import { removeFile, writeWhole } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";

/** Milliseconds for which an observer must have seen no sign of life before it may take a claim over. */
export const LEASE_MS = 10_000;

/** Milliseconds between two signs of life. */
const BEAT_MS = 1_000;

/** Most milliseconds between two looks at leftovers that count as quiet. */
const LEFTOVER_CREDIT_MS = 30 * 60 * 1000;

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
  /** What it has seen of other owners' signs of life, and of other short-lived files. */
  readonly signs: Sightings = new Sightings({ creditMs: 2 * BEAT_MS, everyMs: BEAT_MS });
  /** What it has seen of files that may be left over from a process that can't be asked. */
  readonly leftovers: Sightings = new Sightings({ creditMs: LEFTOVER_CREDIT_MS });
  readonly #reserved: Reserved;
  readonly #claims = new Set<OwnedClaim>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #turn: Promise<void> = Promise.resolve();
  #beating = false;
  #freshMs = Number.NEGATIVE_INFINITY;
  #signMs = 0;

  constructor(reserved: Reserved) {
    this.#reserved = reserved;
  }

  /** The file that an owner touches as its sign of life. */
  signOf({ id }: OwnerRecord): string {
    return join(this.#reserved.servers, id);
  }

  /**
   * Whether the last sign of life is too young for a claim to have been taken over. A hint that saves looks, not a proof:
   * this clock stands still while the machine is suspended, and those of other machines do not.
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
    const atMs = performance.now();
    await writeWhole(this.#reserved, this.signOf(this.record), this.record, false);
    this.#freshMs = atMs;
    this.#timer = setInterval(() => this.#tick(), BEAT_MS);
    this.#timer.unref?.();
  }

  async #vanish(): Promise<void> {
    if (this.#timer === undefined || this.#claims.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    await removeFile(this.signOf(this.record));
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
    // Others look whether it changes, not what it says. A clock that was set back must not make two signs alike.
    this.#signMs = Math.max(Date.now(), this.#signMs + BEAT_MS);
    const sign = new Date(this.#signMs);
    const file = this.signOf(this.record);
    try {
      await utimes(file, sign, sign);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await writeWhole(this.#reserved, file, this.record, false);
    }
    // Touched first and looked after: whoever judged us by the old sign has taken the claim by now, or will see the new.
    if (!wasFresh) for (const claim of this.#claims) claim.verify();
    this.#freshMs = atMs;
    // Mostly there is nothing: one look for all claims.
    if ((await namesIn(this.#reserved.handovers)).length > 0) {
      await Promise.all([...this.#claims].map((claim) => claim.listen()));
    }
  }
}
