/**
 * Which other nodes are alive.
 * @module
 */
import type { Calls } from "../connection/calls.ts";
import { RecentMap } from "../connection/recent-map.ts";
import type { Layout } from "../layout/layout.ts";

/** Milliseconds for which a look at a lease counts. */
const FRESH_MS = 250;

/** How many nodes are remembered. */
const REMEMBERED = 1_000;

interface Look {
  readonly startedMs: number;
  readonly isAlive: Promise<boolean>;
}

/** Looks up leases. Many looks at once become one. */
export class Directory {
  readonly #calls: Calls;
  readonly #layout: Layout;
  readonly #looks: RecentMap<string, Look> = new RecentMap(REMEMBERED);
  /** When a lease was first found to be missing, by node, on the clock of `performance.now()`. */
  readonly #missing: RecentMap<string, number> = new RecentMap(REMEMBERED);

  constructor(calls: Calls, layout: Layout) {
    this.#calls = calls;
    this.#layout = layout;
  }

  /**
   * Whether a node has a lease.
   *
   * @throws {StreamError} `unavailable` if that can't be found out.
   */
  isAlive(node: string): Promise<boolean> {
    const known = this.#looks.get(node);
    if (known && performance.now() - known.startedMs < FRESH_MS) return known.isAlive;
    const isAlive = this.#look(node);
    this.#looks.set(node, { startedMs: performance.now(), isAlive });
    // Another look follows.
    isAlive.catch(() => this.#looks.delete(node));
    return isAlive;
  }

  /**
   * All nodes that have a lease.
   *
   * @throws {StreamError} `unavailable` if that can't be found out.
   */
  async all(): Promise<string[]> {
    const { nodes, leases } = this.#layout;
    const found = await this.#calls.reach({ path: "" }, () =>
      this.#calls.manager.streams.info(nodes, { subjects_filter: leases }),
    );
    return Object.keys(found.state.subjects ?? {}).map((lease) => this.#layout.nodeOf(lease));
  }

  /** Milliseconds since the lease of a node was first found to be missing here; 0 while it has one. */
  async missingMs(node: string): Promise<number> {
    if (await this.isAlive(node)) return 0;
    return performance.now() - (this.#missing.get(node) ?? performance.now());
  }

  async #look(node: string): Promise<boolean> {
    const { nodes } = this.#layout;
    const isAlive = (await this.#calls.last(nodes, this.#layout.lease(node), { path: "" })) !== undefined;
    if (isAlive) this.#missing.delete(node);
    else if (this.#missing.get(node) === undefined) this.#missing.set(node, performance.now());
    return isAlive;
  }
}
