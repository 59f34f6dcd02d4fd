/**
 * This process as an owner of claims under one root: its sign of life for other processes, and its own checks after a
 * pause.
 * @module
 */
import { randomUUID } from "node:crypto";
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../folders/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { ownGroup } from "../groups/process-group.ts";
import { ChangeObserver } from "../processes/change-observer.ts";
import type { OwnerRecord } from "../processes/owner-record.ts";
import { ownIdentity } from "../processes/process-identity.ts";
import { removeFile, writeJsonAtomic } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";

export { isOwnerRecord, type OwnerRecord } from "../processes/owner-record.ts";

/** Milliseconds without a sign of life after which an observer may take a claim over. */
export const LEASE_MS = 10_000;

/** Milliseconds between two signs of life. */
const BEAT_MS = 1_000;

/** Maximum milliseconds between two checks of a leftover file that count as quiet. */
const LEFTOVER_CREDIT_MS = 30 * 60 * 1000;

/** A claim, as its owner uses it. */
export interface OwnedClaim {
  /** The key of the path. Default: it is not about one path. */
  readonly key?: string;
  /** Checks whether the claim is still there, after a pause in which another process may have taken it over. */
  verify(): void;
  /** Checks whether another process requests the path. */
  listen(): Promise<void>;
}

/** The owners of this process, by root. Two stores on one root share an owner. */
const owners = new Map<string, Owner>();

/** The owner for a root. Created by the first call. */
export function ownerOf(root: string, reserved: Reserved): Owner {
  const known = owners.get(root);
  if (known) return known;
  const owner = new Owner(reserved);
  owners.set(root, owner);
  return owner;
}

/** Gives signs of life for as long as it has claims. */
export class Owner {
  readonly record: OwnerRecord = recordOfThisProcess();
  /** Observations of other owners' signs of life, and of other short-lived files. */
  readonly signs: ChangeObserver = new ChangeObserver({ creditMs: 2 * BEAT_MS, everyMs: BEAT_MS });
  /** Observations of files that may be left over from processes that cannot be checked. */
  readonly leftovers: ChangeObserver = new ChangeObserver({ creditMs: LEFTOVER_CREDIT_MS });
  readonly #reserved: Reserved;
  readonly #claims = new Set<OwnedClaim>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #turn: Promise<void> = Promise.resolve();
  #beating = false;
  #freshMs = Number.NEGATIVE_INFINITY;
  #lastSignMs = 0;

  constructor(reserved: Reserved) {
    this.#reserved = reserved;
  }

  /** The path of the file that an owner touches as its sign of life. */
  signOf({ id }: OwnerRecord): string {
    return join(this.#reserved.servers, id);
  }

  /**
   * Whether the last sign of life is too recent for a claim to have been taken over. This is a hint that saves checks of
   * the disk, not a proof: this clock stops while the machine is suspended, and those of other machines do not.
   */
  get isFresh(): boolean {
    return performance.now() - this.#freshMs < LEASE_MS / 2;
  }

  /**
   * Adds a claim. When this resolves, other processes see the sign of life, so they see it before the claim.
   *
   * @throws Errors of the operating system.
   */
  begin(claim: OwnedClaim): Promise<void> {
    this.#claims.add(claim);
    return this.#inTurn(() => this.#start());
  }

  /**
   * Removes a claim. The signs of life end with the last one.
   *
   * @throws Errors of the operating system.
   */
  end(claim: OwnedClaim): Promise<void> {
    this.#claims.delete(claim);
    return this.#inTurn(() => this.#stop());
  }

  /** As {@link begin}, while there is another claim. */
  join(claim: OwnedClaim): void {
    this.#claims.add(claim);
  }

  /** As {@link end}, while there is another claim. */
  leave(claim: OwnedClaim): void {
    this.#claims.delete(claim);
  }

  /** Checks now whether another process requests a path, without waiting for the next sign of life. */
  async listen(key: string): Promise<void> {
    for (const claim of this.#claims) if (claim.key === key) await claim.listen();
  }

  /** Runs one piece of work at a time: a claim that begins while the last one ends must keep its sign of life. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #start(): Promise<void> {
    if (this.#timer !== undefined) return;
    const atMs = performance.now();
    await writeJsonAtomic(this.#reserved, this.signOf(this.record), this.record, false);
    this.#freshMs = atMs;
    this.#timer = setInterval(() => this.#tick(), BEAT_MS);
    this.#timer.unref?.();
  }

  async #stop(): Promise<void> {
    if (this.#timer === undefined || this.#claims.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    await removeFile(this.signOf(this.record));
  }

  #tick(): void {
    if (this.#beating) return;
    this.#beating = true;
    // A failed sign of life makes the owner stale, and a stale owner checks the disk before and after every write.
    void this.#inTurn(() => this.#beat())
      .catch(() => {})
      .finally(() => {
        this.#beating = false;
      });
  }

  /** Gives a sign of life. After a pause, verifies every claim before it is trusted again. */
  async #beat(): Promise<void> {
    if (this.#timer === undefined) return;
    const wasFresh = this.isFresh;
    const atMs = performance.now();
    // Observers check whether the time changes, not its value. A clock that was set back must not give the same time
    // twice.
    this.#lastSignMs = Math.max(Date.now(), this.#lastSignMs + BEAT_MS);
    const sign = new Date(this.#lastSignMs);
    const file = this.signOf(this.record);
    try {
      await utimes(file, sign, sign);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await writeJsonAtomic(this.#reserved, file, this.record, false);
    }
    // Touch the file before checking the claims: a process that missed the touch has already moved the entry, and the
    // check finds that.
    if (!wasFresh) for (const claim of this.#claims) claim.verify();
    this.#freshMs = atMs;
    // Usually there is no request. One check serves all claims.
    if ((await namesIn(this.#reserved.handovers)).length > 0) {
      await Promise.all([...this.#claims].map((claim) => claim.listen()));
    }
  }
}

function recordOfThisProcess(): OwnerRecord {
  const group = ownGroup();
  return { id: randomUUID(), ...ownIdentity(), ...(group && { group: group.id }) };
}
