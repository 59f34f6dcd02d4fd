/**
 * The lease of this node: a message that the servers remove unless it is renewed. While the lease lasts, this node
 * keeps its paths, even if it does not answer.
 * @module
 */
import { headers } from "@nats-io/transport-node";
import type { Calls } from "../connection/calls.ts";
import type { Layout } from "../layout/layout.ts";

/** How often the lease is renewed within its duration. */
const RENEWALS = 3;

/** What a lease needs. */
export interface LeaseParts {
  readonly calls: Calls;
  readonly layout: Layout;
  /** The name of this node. */
  readonly node: string;
  readonly leaseMs: number;
  /** Called when the lease was renewed too late: other nodes may have taken paths from this one. */
  readonly onLate: () => void;
}

/** The lease of this node. */
export class Lease {
  readonly #parts: LeaseParts;
  readonly #subject: string;
  /** When the last renewal that was stored was sent, on the clock of `performance.now()`. */
  #sentMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setInterval> | undefined;
  #renewing: Promise<void> | undefined;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
    this.#subject = parts.layout.lease(parts.node);
  }

  /** Milliseconds since the last renewal that was stored; infinite before the first one. */
  get ageMs(): number {
    return performance.now() - this.#sentMs;
  }

  /**
   * Stores the lease, and renews it from then on. No path may be claimed before.
   *
   * @param untilMs When to give up, on the clock of `performance.now()`.
   * @throws {StreamError} `unavailable` if it can't be stored; `denied`.
   */
  async begin(untilMs: number): Promise<void> {
    await this.#parts.calls.reach({ path: "", untilMs }, () => this.#write());
    this.#timer = setInterval(() => void this.#renew(), this.#parts.leaseMs / RENEWALS);
    // It must not keep the process alive.
    (this.#timer as { unref?(): void }).unref?.();
  }

  /** Ends the lease, so that other nodes need not wait for it. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    if (this.#sentMs === Number.NEGATIVE_INFINITY) return;
    const { calls, layout, leaseMs } = this.#parts;
    // If it can't be removed, it expires.
    const untilMs = performance.now() + Math.min(1_000, leaseMs);
    await calls.purge(layout.nodes, this.#subject, { path: "", untilMs }).catch(() => {});
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#write()
      .catch(() => {
        // The next renewal tries again. A late one is noticed then, and by the store's health.
      })
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }

  async #write(): Promise<void> {
    const { calls, layout, leaseMs, onLate } = this.#parts;
    const startedMs = performance.now();
    const wasLate = Number.isFinite(this.#sentMs) && startedMs - this.#sentMs > leaseMs;
    const write = { stream: layout.nodes, subject: this.#subject, headers: headers(), payload: new Uint8Array(0) };
    await calls.write(write);
    this.#sentMs = startedMs;
    if (wasLate) onLate();
  }
}
