/**
 * Claims while this process, or its group, has a root to itself: it has a lease of the whole root, and a claim is a mark in
 * the lease.
 *
 * Another process breaks the lease before it claims anything. Then all processes claim by path, and this process makes
 * entries for the claims that it has. When the other process has ended, it takes the lease again.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ownGroup } from "../groups/process-group.ts";
import { removeFileNow } from "../reserved/atomic-write.ts";
import { closeToEarlier, formerKey, isClosedToEarlier } from "../reserved/format.ts";
import type { Reserved } from "../reserved/layout.ts";
import { isLocal } from "../reserved/local.ts";
import { isAlone, isFreed } from "./alone.ts";
import { groupLease, joinLease } from "./group-lease.ts";
import { Lease } from "./lease.ts";
import { LeaseTerm } from "./lease-term.ts";
import { type GroupReservation, type LeasedClaim, reserveInGroup } from "./mark.ts";
import type { OwnedClaim, Owner } from "./owner.ts";

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

/** Takes, uses and gives up the lease of one root. */
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
   * Claims a path by the lease. Takes the lease if it is free. If the claim has no mark when this has settled, claim
   * the path by path.
   *
   * @returns Undefined if there is nothing to wait for.
   * @throws {StreamError} `conflict` if another process of the group has the path; errors of the operating system.
   */
  mark(key: string, file: string, claim: LeasedClaim): Promise<void> | undefined {
    if (this.#term) return this.#mark(key, file, claim);
    // The group may have the lease already.
    const isEarly = performance.now() < this.#notBeforeMs && !groupLease(this.#reserved);
    if (isEarly && !this.#taking) return undefined;
    // A claim by path reports what is wrong with the disk.
    this.#taking ??= this.#take()
      .catch(() => {})
      .finally(() => {
        this.#taking = undefined;
      });
    return this.#taking.then(() => this.#mark(key, file, claim));
  }

  /**
   * Keeps the other processes of the group from a path that this process is about to claim by path, so that it need not
   * break the lease. Undefined if there is no lease of a group, or it is broken now.
   *
   * @throws As {@link mark}.
   */
  async reserve(key: string, claim: LeasedClaim): Promise<GroupReservation | undefined> {
    const term = this.#term;
    const links = term?.lease.links;
    if (!term || !links || !term.lease.isIntact) return undefined;
    const isTaken = links.take(key, claim.isKept);
    if (isTaken) return reserveInGroup(term.lease, links, key);
    if (isTaken === undefined) term.lease.break();
    const isFree = isTaken === false && (await this.#isFree(term, key, claim));
    return isFree ? this.reserve(key, claim) : undefined;
  }

  /** Whether another process may have a path. Checks the disk. */
  mayBeElsewhere(key: string): boolean {
    const term = this.#term;
    if (!term?.lease.isIntact || term.exceptions.has(key) || term.folders.has(key)) return true;
    return term.lease.links?.has(key) === true;
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

  #mark(key: string, file: string, claim: LeasedClaim): Promise<void> | undefined {
    const term = this.#term;
    if (!term || term.exceptions.has(key) || term.hasFolder(key, file)) return undefined;
    // Another process of the group that wants a path does not break the lease.
    if (term.lease.links && existsSync(join(this.#reserved.handovers, key))) return undefined;
    const at = term.lease.mark(key, claim.isKept);
    if (at === "broken") return this.look();
    if (at === "taken") {
      return this.#isFree(term, key, claim).then((isFree) => (isFree ? this.#mark(key, file, claim) : undefined));
    }
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
    return undefined;
  }

  /**
   * Whether a path that another process of the group had is free. If not, this breaks the lease: see {@link isFreed}.
   */
  async #isFree(term: LeaseTerm, key: string, claim: LeasedClaim): Promise<boolean> {
    if (await isFreed(this.#reserved, this.#owner, { term: term.lease.links?.term ?? "", key, ...claim })) return true;
    term.lease.break();
    this.look();
    return false;
  }

  #free(term: LeaseTerm, at: number): boolean {
    this.look();
    if (term !== this.#term) return false;
    term.claims.delete(at);
    term.lease.free(at);
    return true;
  }

  /** Makes entries for the claims of a broken lease, and then removes the lease. */
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
    if (!(await isAlone(this.#reserved, this.#owner))) return;
    try {
      // Other processes see the sign of life before the lease.
      await this.#owner.begin(this);
      const group = ownGroup();
      const lease = group
        ? joinLease(this.#reserved, this.#owner.record, group)
        : Lease.take(this.#reserved, this.#owner.record);
      if (lease) await this.#begin(new LeaseTerm(lease));
    } finally {
      await this.#settle();
    }
  }

  async #begin(term: LeaseTerm): Promise<void> {
    await term.lookAround(this.#reserved, this.#owner.record);
    this.#term = term;
    this.#idleLooks = 0;
    this.#timer ??= setInterval(() => this.#tick(), LOOK_MS);
    this.#timer.unref?.();
    awaitExit();
    atExit.add(this);
  }

  #tick(): void {
    this.look();
    if (this.#term && !isClosedToEarlier(this.#reserved)) this.#doubt(this.#term);
    for (const term of this.#broken) void this.#enter(term).catch(() => {});
    if (this.#term?.claims.size === 0 && ++this.#idleLooks >= IDLE_LOOKS) this.#giveUp(this.#term);
  }

  /** Claims by path from now on, and releases the paths that a process of an earlier version has claimed meanwhile. */
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
      // The lease has no marks, so it does not matter to other processes.
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

  /** At the end of the process, removes what other processes would otherwise have to judge. */
  exit(): void {
    try {
      if (this.#term?.claims.size === 0) {
        this.#term.lease.remove();
        removeFileNow(this.#owner.signOf(this.#owner.record));
      }
    } catch {
      // The next process notices that this one has ended.
    }
  }
}
