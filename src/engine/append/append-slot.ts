/**
 * The place of a path in the registry of appends, and who owns it.
 * @module
 */
import type { AppenderEvents } from "./batcher.ts";
import type { Channel } from "./channel.ts";
import { deferred } from "./deferred.ts";

/** The append of a path, from before its claim until the path is free again. */
export interface AppendSlot {
  channel: Channel | undefined;
  ending: boolean;
  /** Resolves when the claim has succeeded or failed. */
  readonly claimed: Promise<void>;
  readonly free: Promise<void>;
  /** Resolves when there is an owner, or the path is free. */
  readonly connected: Promise<void>;
  /** Whether its owner yields to other appenders. */
  readonly yields: boolean;
  /** Undefined until `Admission.connect`. */
  owner: AppendOwner | undefined;
}

/** The owner of an admission, as the registry calls it. */
export interface AppendOwner extends AppenderEvents {
  /** Whether the appender has sent its close frame, although its connection is still open. If so, ends the append. */
  endIfLeft?(): boolean;
  /** Milliseconds until the path will be free, if known. */
  retryAfterMs?(): number | undefined;
  /** Called on shutdown, once the connections have ended: ends an append that has no connection. */
  shutDown?(): Promise<unknown>;
}

/** A slot that is taken, and what settles its promises. */
export interface Reservation {
  readonly slot: AppendSlot;
  readonly setClaimed: () => void;
  readonly setConnected: () => void;
  /** Frees the path. */
  readonly leave: () => void;
}

/** Appends that are about to claim their paths, and have no slot yet. */
export class Arrivals {
  readonly #announced = new Map<string, Set<Promise<void>>>();

  /** Announces an append. Call the result once it is admitted or refused. */
  announce(path: string): () => void {
    const { promise, resolve } = deferred();
    const all = this.#announced.get(path) ?? new Set();
    this.#announced.set(path, all.add(promise));
    return () => {
      all.delete(promise);
      if (all.size === 0) this.#announced.delete(path);
      resolve();
    };
  }

  /** Waits until no append of a path is announced. */
  async settled(path: string): Promise<void> {
    for (let all = this.#announced.get(path); all; all = this.#announced.get(path)) await Promise.all(all);
  }
}

/** Whether the pending owner yields to other appenders. */
export function yieldsToOthers({ yields, owner }: AppendSlot): boolean {
  return yields && owner === undefined;
}

/** Whether the path will be free soon. An owner whose appender has left ends the append. */
export function isLeaving(slot: AppendSlot): boolean {
  return slot.ending || yieldsToOthers(slot) || slot.owner?.endIfLeft?.() === true;
}

/** A new slot, and what settles its promises. */
export function newSlot(yields: boolean): {
  readonly slot: AppendSlot;
  readonly setClaimed: () => void;
  readonly setConnected: () => void;
  readonly setFree: () => void;
} {
  const { promise: claimed, resolve: setClaimed } = deferred();
  const { promise: connected, resolve: setConnected } = deferred();
  const { promise: free, resolve: setFree } = deferred();
  const slot = { channel: undefined, ending: false, claimed, free, connected, yields, owner: undefined };
  return { slot, setClaimed, setConnected, setFree };
}
