/**
 * The line counts of resources: counted on the first request, cached, and extended when the resource has grown.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { peerGroup } from "../../support/peer-group.ts";
import type { Limits } from "../limits.ts";
import type { Store, StoreStat } from "../storage/store.ts";
import { BlockCounts } from "./block-counts.ts";
import { FairQueue } from "./fair-queue.ts";
import { scanPieces } from "./scan-pieces.ts";
import { ScanQuota } from "./scan-quota.ts";
import type { ScanTurns } from "./scan-turns.ts";

/** Maximum resources in the cache. The counts of a resource of 4 GiB take 256 KiB. */
const MAX_KEPT = 64;

/** A client that has asked for counts. */
export interface Asker {
  /** The address of the client; undefined if it is unknown. */
  readonly peer?: string | undefined;
  /** Aborts when the client no longer needs the answer. */
  readonly signal: AbortSignal;
}

/** The counts of one content. */
interface Counted {
  readonly generation: string;
  readonly counts: BlockCounts;
}

/** A count that is running or queued. */
interface Count extends Counted {
  /** The size to count up to. */
  readonly to: number;
  /** Aborts when the last asker has gone. */
  readonly abandoned: AbortController;
  readonly done: Promise<void>;
  askers: number;
}

/** The line counts of one server. One resource is counted at a time, and peers take turns. */
export class LineCounts {
  readonly #store: Store;
  readonly #turns: ScanTurns;
  readonly #quota: ScanQuota;
  /** By path, the most recently used last. */
  readonly #kept = new Map<string, Counted>();
  readonly #counting = new Map<string, Count>();
  readonly #queue = new FairQueue();

  constructor(store: Store, turns: ScanTurns, limits: Readonly<Limits>) {
    this.#store = store;
    this.#turns = turns;
    this.#quota = new ScanQuota(limits, { what: "line counts", all: "lineCounts", byPeer: "peerLineCounts" });
  }

  /**
   * Counts the lines of a resource, of at least the bytes that `found` says. The result may grow later: read it at once.
   *
   * @param found The state of the resource when it was looked up.
   * @throws {StreamError} `changed` if its content was replaced meanwhile; `lost` if the asker has gone; `overloaded`, `too_many`;
   * errors of the store.
   */
  async of(path: string, found: StoreStat, asker: Asker): Promise<BlockCounts> {
    const { size, generation } = found;
    for (;;) {
      const counts = this.#known(path, generation);
      if (counts && counts.size >= size) return counts;
      const running = this.#counting.get(path);
      if (running && (running.generation !== generation || running.abandoned.signal.aborted)) {
        await untilAborted(
          running.done.catch(() => {}),
          asker.signal,
          path,
        );
        continue;
      }
      const count = running ?? this.#begin(path, found, counts, asker);
      await this.#wait(count, asker.signal, path);
      // A store without generations: the counts can't be cached.
      if (generation === "" && count.counts.size >= size) return count.counts;
    }
  }

  #known(path: string, generation: string): BlockCounts | undefined {
    const kept = this.#kept.get(path);
    if (kept?.generation !== generation) return undefined;
    this.#kept.delete(path);
    this.#kept.set(path, kept);
    return kept.counts;
  }

  #begin(path: string, { size: to, generation }: StoreStat, known: BlockCounts | undefined, { peer }: Asker): Count {
    const leave = this.#quota.enter(peer);
    const abandoned = new AbortController();
    const counts = known ?? new BlockCounts();
    const done = this.#queue
      .run(peerGroup(peer ?? ""), () => this.#count(path, { generation, counts }, to, abandoned.signal))
      .finally(() => {
        this.#counting.delete(path);
        leave();
      });
    const count = { generation, counts, to, abandoned, done, askers: 0 };
    this.#counting.set(path, count);
    return count;
  }

  async #count(path: string, { generation, counts }: Counted, to: number, signal: AbortSignal): Promise<void> {
    // Until the generation is checked again, the new counts may be those of other content.
    this.#kept.delete(path);
    const parts = { store: this.#store, turns: this.#turns, path, generation, from: counts.size, to, signal };
    for await (const piece of scanPieces(parts)) counts.add(piece);
    // An abandoned count is cached, too: the next one continues it.
    const now = await this.#store.stat(path);
    if (now?.generation !== generation || now.size < counts.size) throw changed(path);
    if (generation === "") return;
    this.#kept.set(path, { generation, counts });
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size > MAX_KEPT) this.#kept.delete(oldest);
  }

  /** Waits for a count. The last asker to leave ends it. */
  async #wait(count: Count, signal: AbortSignal, path: string): Promise<void> {
    count.askers++;
    try {
      await untilAborted(count.done, signal, path);
    } finally {
      if (--count.askers === 0) count.abandoned.abort();
    }
  }
}

/** @throws {StreamError} `lost` if the signal aborts first. */
async function untilAborted(work: Promise<void>, signal: AbortSignal, path: string): Promise<void> {
  let leave = (): void => {};
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(new StreamError("lost", "The client disconnected before its answer.", { path }));
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
  });
  try {
    await Promise.race([work, left]);
  } finally {
    signal.removeEventListener("abort", leave);
    // The slower promise may reject later, unobserved.
    work.catch(() => {});
    left.catch(() => {});
  }
}

function changed(path: string): StreamError {
  return new StreamError("changed", `"/${path}" was changed while its lines were counted. Ask again.`, { path });
}
