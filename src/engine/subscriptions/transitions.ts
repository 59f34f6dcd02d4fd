/**
 * The rules of a subscription: its cursors, its wakes and their fences. Pure functions from record to record.
 * @module
 */
import type { StreamLink, SubscriptionRecord, Wake } from "../storage/subscription-record.ts";

/** The end of a stream, and the content that it belongs to. */
export interface Tail {
  readonly offset: number;
  readonly generation: string;
}

/** The ends of watched streams, by path; a path that does not exist is missing. */
export type Tails = ReadonlyMap<string, Tail>;

/** Milliseconds before the first repetition of a failed delivery. Each further one waits twice as long. */
const FIRST_RETRY_MS = 1_000;

/** Maximum milliseconds before a repetition, apart from the jitter. */
const LONGEST_RETRY_MS = 60_000;

/** The part of a pause by which it is made longer or shorter at random. */
const JITTER = 0.2;

/**
 * Milliseconds before the next attempt after a number of failures in a row.
 *
 * @param random From 0 to 1.
 */
export function retryMs(failures: number, random: number): number {
  const doubled = FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16);
  return Math.round(Math.min(doubled, LONGEST_RETRY_MS) * (1 + JITTER * (random * 2 - 1)));
}

/** Links streams, or makes known links also ones of these kinds. */
export function linked(record: SubscriptionRecord, links: readonly StreamLink[]): SubscriptionRecord {
  const streams = new Map(record.streams.map((link) => [link.path, link]));
  let isChanged = false;
  for (const link of links) {
    const known = streams.get(link.path);
    if (known && (known.glob || !link.glob) && (known.explicit || !link.explicit)) continue;
    isChanged = true;
    streams.set(
      link.path,
      known ? { ...known, glob: known.glob || link.glob, explicit: known.explicit || link.explicit } : link,
    );
  }
  return isChanged ? { ...record, streams: [...streams.values()] } : record;
}

/** Removes the explicit link of a path. A link by the pattern stays. */
export function unlinked(record: SubscriptionRecord, path: string): SubscriptionRecord {
  const streams = record.streams
    .map((link) => (link.path === path ? { ...link, explicit: false } : link))
    .filter(({ glob, explicit }) => glob || explicit);
  return { ...record, streams };
}

/**
 * The record after a check of its streams: a stream that was removed is not linked by the pattern any more, and a
 * stream that was created again begins at 0.
 */
export function reconciled(record: SubscriptionRecord, tails: Tails): SubscriptionRecord {
  const streams: StreamLink[] = [];
  for (const link of record.streams) {
    const tail = tails.get(link.path);
    if (!tail && !link.explicit) continue;
    const isSame = tail !== undefined && (link.generation === "" || link.generation === tail.generation);
    if (tail && isSame) streams.push({ ...link, generation: tail.generation });
    else
      streams.push({
        path: link.path,
        glob: link.glob,
        explicit: link.explicit,
        acked: 0,
        generation: tail?.generation ?? "",
      });
  }
  return { ...record, streams };
}

/** Whether a stream has bytes that no worker has processed. */
export function isPending({ path, acked }: StreamLink, tails: Tails): boolean {
  return (tails.get(path)?.offset ?? 0) > acked;
}

/** The first stream with such bytes; undefined if all are processed. */
export function firstPending({ streams }: SubscriptionRecord, tails: Tails): StreamLink | undefined {
  return streams.find((link) => isPending(link, tails));
}

/** Begins a wake, if there is something to process and no wake in flight. */
export function woken(record: SubscriptionRecord, tails: Tails, notBeforeMs?: number): SubscriptionRecord {
  const cause = record.wake ? undefined : firstPending(record, tails);
  if (!cause) return record;
  const wake: Wake = {
    id: `w_${crypto.randomUUID()}`,
    phase: "due",
    cause: cause.path,
    ...(notBeforeMs !== undefined && { untilMs: notBeforeMs }),
  };
  return told({ ...record, generation: record.generation + 1, wake }, tails);
}

/** Records the ends of the streams that the wake in flight reports. */
export function told(record: SubscriptionRecord, tails: Tails): SubscriptionRecord {
  const streams = record.streams.map((link) => ({ ...link, told: tails.get(link.path)?.offset ?? 0 }));
  return { ...record, streams };
}

/** The wake in flight in another phase. */
export function inPhase(
  record: SubscriptionRecord,
  phase: Wake["phase"],
  untilMs: number | undefined,
  holder?: string,
): SubscriptionRecord {
  if (!record.wake) return record;
  const { id, cause } = record.wake;
  const wake: Wake = {
    ...{ id, cause, phase },
    ...(untilMs !== undefined && { untilMs }),
    ...(holder !== undefined && { holder }),
  };
  return { ...record, wake };
}

/** Ends the wake in flight. Nothing that was sent for it counts any more. */
export function slept({ wake: _, ...record }: SubscriptionRecord): SubscriptionRecord {
  return { ...record, streams: record.streams.map(({ told: _told, ...link }) => link) };
}

/** Counts everything that the wake in flight has reported as processed. */
export function ackedAll(record: SubscriptionRecord): SubscriptionRecord {
  const streams = record.streams.map((link) => ({ ...link, acked: Math.max(link.acked, link.told ?? 0) }));
  return { ...record, streams };
}

/** How far a worker has processed a stream. */
export interface Ack {
  readonly path: string;
  readonly offset: number;
}

/**
 * Notes the progress of a worker. All of it counts, or nothing.
 *
 * @returns A sentence that says what is wrong with it, or the record.
 */
export function acked(record: SubscriptionRecord, acks: readonly Ack[], tails: Tails): SubscriptionRecord | string {
  const offsets = new Map<string, number>();
  const links = new Map(record.streams.map((link) => [link.path, link]));
  for (const { path, offset } of acks) {
    const link = links.get(path);
    if (!link) return `${JSON.stringify(path)} is not a stream of this subscription.`;
    const before = offsets.get(path) ?? link.acked;
    if (offset < before)
      return `The offset ${offset} of ${JSON.stringify(path)} is before ${before}, which is acknowledged.`;
    const end = tails.get(path)?.offset ?? 0;
    if (offset > end) return `The offset ${offset} of ${JSON.stringify(path)} is past its end, ${end}.`;
    offsets.set(path, offset);
  }
  const streams = record.streams.map((link) => ({ ...link, acked: offsets.get(link.path) ?? link.acked }));
  return { ...record, streams };
}
