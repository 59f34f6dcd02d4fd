/**
 * Claims while this process has a root to itself: it has a lease of the whole root, and a claim is a mark in the lease.
 *
 * A second process breaks the lease before it claims anything. Then both claim by path, and this process enters by path
 * what it has. When the other one has gone, it takes the lease again.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { namesIn } from "../folders/folder.ts";
import { isDead } from "../processes/process-identity.ts";
import { readJsonFile, removeFileNow } from "../reserved/atomic-write.ts";
import { closeToEarlier, formerKey, isClosedToEarlier } from "../reserved/format.ts";
import type { Reserved } from "../reserved/layout.ts";
import { isLocal } from "../reserved/local.ts";
import { judgeOwner } from "./entries.ts";
import { Lease } from "./lease.ts";
import { breakForeignLease, foreignSlots, heldLease, readLease } from "./lease-files.ts";
import { LeaseTerm } from "./lease-term.ts";
import type { LeasedClaim } from "./mark.ts";
import { isOwnerRecord, type OwnedClaim, type Owner } from "./owner.ts";

/** Milliseconds between two checks of the lease. */
const LOOK_MS = 100;

/** Checks without a claim after which the lease is released. */
const IDLE_LOOKS = 10;

/** Milliseconds until the lease is taken again after another process has broken it, for the first time and at most. */
const COOL_MS = 2_000;
const MAX_COOL_MS = 5 * 60 * 1_000;

/** Milliseconds until the next check for other processes, if there was one. */
const RETRY_MS = 1_000;

/** The leases of this process, by owner. Two stores on one root share one. */
const leases = new WeakMap<Owner, RootLease>();

/** The leases to release when the process exits. */
const atExit = new Set<RootLease>();
let isExitAwaited = false;

/** The lease of an owner's root. Created by the first call. */
export function rootLeaseOf(reserved: Reserved, owner: Owner): RootLease {
  const lease = leases.get(owner) ?? new RootLease(reserved, owner);
  leases.set(owner, lease);
  return lease;
}

function awaitExit(): void {
  if (isExitAwaited) return;
  isExitAwaited = true;
  process.once("exit", () => {
    for (const lease of atExit) lease.exit();
  });
}

/** The lease of one root, as this process takes it, uses it, and loses it. */
export class RootLease implements OwnedClaim {
  readonly #reserved: Reserved;
  readonly #owner: Owner;
  #term: LeaseTerm | undefined;
  readonly #broken = new Set<LeaseTerm>();
  #taking: Promise<void> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #idleLooks = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #coolMs = COOL_MS;

  constructor(reserved: Reserved, owner: Owner) {
    this.#reserved = reserved;
    this.#owner = owner;
  }

  /**
   * Claims a path by the lease. Takes the lease if it is free. If the claim was not marked when this is done, it must
   * be claimed by path.
   *
   * @returns Undefined if there is nothing to wait for.
   * @throws Errors of the operating system.
   */
  mark(key: string, file: string, claim: LeasedClaim): Promise<void> | undefined {
    if (this.#term) return this.#mark(key, file, claim);
    if (performance.now() < this.#notBeforeMs && !this.#taking) return undefined;
    // A claim by path reports what is wrong with the disk.
    this.#taking ??= this.#take()
      .catch(() => {})
      .finally(() => {
        this.#taking = undefined;
      });
    return this.#taking.then(() => this.#mark(key, file, claim));
  }

  /** Whether another process may have a path. Checks the disk. */
  mayBeElsewhere(key: string): boolean {
    const term = this.#term;
    return !term?.lease.isIntact || term.exceptions.has(key) || term.folders.has(key);
  }

  /** Records that the claims folder of a path has gone. */
  cleared(key: string, file: string): void {
    const folders = this.#term?.folders;
    folders?.delete(key);
    if (folders && folders.size > 0) folders.delete(formerKey(file));
  }

  verify(): void {
    this.look();
  }

  async listen(): Promise<void> {}

  /** Checks whether another process has broken the lease. */
  look(): undefined {
    const term = this.#term;
    if (!term || term.lease.isIntact) return;
    this.#term = undefined;
    const nowMs = performance.now();
    // A process that keeps coming back would break it again and again.
    const coolMs = nowMs - term.sinceMs > 10 * this.#coolMs ? COOL_MS : this.#coolMs;
    this.#coolMs = Math.min(2 * coolMs, MAX_COOL_MS);
    this.#notBeforeMs = nowMs + coolMs;
    this.#broken.add(term);
    void this.#enter(term).catch(() => {});
  }

  #mark(key: string, file: string, claim: LeasedClaim): undefined {
    const term = this.#term;
    if (!term || term.exceptions.has(key) || term.hasFolder(key, file)) return;
    const at = term.lease.mark(key, claim.isKept);
    if (at === undefined) return this.look();
    this.#idleLooks = 0;
    term.claims.set(at, claim);
    const isIntact = (): boolean => {
      this.look();
      return term === this.#term;
    };
    claim.marked({
      get isThere() {
        // A claim whose lease was removed is entered by path at the next check, if no other process has the path by then.
        return (term.lease.stateOf(at) ?? "+") === "+";
      },
      get isIntact() {
        return isIntact();
      },
      free: () => this.#free(term, at),
      entered: () => this.#enter(term),
      leave: async () => {
        await this.#enter(term);
        if (term.claims.delete(at)) term.lease.free(at);
      },
    });
  }

  #free(term: LeaseTerm, at: number): boolean {
    this.look();
    if (term !== this.#term) return false;
    term.claims.delete(at);
    term.lease.free(at);
    return true;
  }

  /** Enters by path what a broken lease has, and then removes it. */
  #enter(term: LeaseTerm): Promise<void> {
    term.entering ??= this.#enterAll(term).finally(() => {
      term.entering = undefined;
    });
    return term.entering;
  }

  async #enterAll(term: LeaseTerm): Promise<void> {
    await term.enterClaims();
    if (term.claims.size > 0) return;
    term.lease.remove();
    this.#broken.delete(term);
    await this.#settle();
  }

  async #take(): Promise<void> {
    this.#notBeforeMs = performance.now() + RETRY_MS;
    if (this.#broken.size > 0) return;
    if (!(await isLocal(this.#reserved.root))) {
      this.#notBeforeMs = Number.POSITIVE_INFINITY;
      return;
    }
    closeToEarlier(this.#reserved);
    if (!(await this.#isAlone())) return;
    try {
      // Other processes see the sign of life before the lease.
      await this.#owner.begin(this);
      const lease = Lease.take(this.#reserved, this.#owner.record);
      if (lease) await this.#begin(new LeaseTerm(lease));
    } finally {
      await this.#settle();
    }
  }

  async #begin(term: LeaseTerm): Promise<void> {
    try {
      // Slots first: their owners remove them once they have entered them.
      for (const { key } of foreignSlots(this.#reserved, this.#owner.record)) term.exceptions.add(key);
      for (const key of await namesIn(this.#reserved.claims)) term.folders.add(key);
      for (const key of await namesIn(this.#reserved.handovers)) term.exceptions.add(key);
    } catch (error) {
      term.lease.remove();
      throw error;
    }
    this.#term = term;
    this.#idleLooks = 0;
    this.#timer ??= setInterval(() => this.#tick(), LOOK_MS);
    this.#timer.unref?.();
    awaitExit();
    atExit.add(this);
  }

  /** Whether no other living process has claims. Breaks the lease of a process that has gone. */
  async #isAlone(): Promise<boolean> {
    for (const id of await namesIn(this.#reserved.servers)) {
      if (id === this.#owner.record.id) continue;
      const other = await readJsonFile(join(this.#reserved.servers, id));
      if (!isOwnerRecord(other) || isDead(other, this.#owner.record)) continue;
      if ((await judgeOwner(other, this.#owner)) === "alive") return false;
    }
    if (!existsSync(heldLease(this.#reserved))) return true;
    const other = readLease(heldLease(this.#reserved))?.owner;
    if (other && other.id !== this.#owner.record.id && !isDead(other, this.#owner.record)) {
      const verdict = await judgeOwner(other, this.#owner);
      const isGone = this.#owner.signs.known(this.#owner.signOf(other))?.isMissing;
      if (verdict === "alive" && !isGone) return false;
    }
    breakForeignLease(this.#reserved);
    return true;
  }

  #tick(): void {
    this.look();
    if (this.#term && !isClosedToEarlier(this.#reserved)) this.#doubt(this.#term);
    for (const term of this.#broken) void this.#enter(term).catch(() => {});
    if (this.#term?.claims.size === 0 && ++this.#idleLooks >= IDLE_LOOKS) this.#giveUp(this.#term);
  }

  /** Claims by path from now on, and releases what a process of an earlier version has claimed meanwhile. */
  #doubt(term: LeaseTerm): void {
    try {
      closeToEarlier(this.#reserved);
      term.isDoubtful = true;
      term.lease.break();
    } catch {
      // The next check tries again.
    }
    this.look();
  }

  #giveUp(term: LeaseTerm): void {
    this.#term = undefined;
    try {
      term.lease.remove();
    } catch {
      // It has no marks, so it does not matter to other processes.
    }
    void this.#settle().catch(() => {});
  }

  /** Ends the checks and the signs of life, unless they are still needed. */
  async #settle(): Promise<void> {
    if (this.#term || this.#broken.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    atExit.delete(this);
    await this.#owner.end(this);
  }

  /** At the end of the process, leaves nothing behind that others would have to judge. */
  exit(): void {
    try {
      if (this.#term?.claims.size === 0) {
        this.#term.lease.remove();
        removeFileNow(this.#owner.signOf(this.#owner.record));
      }
    } catch {
      // The next process finds that this one has ended.
    }
  }
}
