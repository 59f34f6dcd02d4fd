/**
 * The counts of a server for its metrics: per connection and per append, never per chunk.
 * @module
 */
import type { Channel } from "../../engine/append/channel.ts";
import type { Transport } from "../../engine/events.ts";
import type { Outcome } from "../../engine/follow/followable.ts";
import type { ErrorCode } from "../../protocol/errors.ts";

/** The kinds of connections. */
export type SpanType = "append" | "follow";

/** A connection that appends or follows. */
export interface OpenSpan {
  readonly type: SpanType;
  readonly transport: Transport;
  readonly path: string;
  /** Where it began. */
  readonly offset: number;
  /** Where it is now. */
  position(): number;
}

/** How many connections of a kind have ended for one reason. */
export interface EndCount {
  readonly type: SpanType;
  readonly transport: Transport;
  /** Why; see `EndEvent.reason`. */
  readonly reason: string;
  count: number;
}

/** How many deliveries of wakes have ended in one way. */
export interface DeliveryCount {
  /** `webhook` or `pull-wake`. */
  readonly kind: string;
  /** `accepted`, `done` or `failed`. */
  readonly outcome: string;
  count: number;
}

/** Counts of one server since it was created. */
export class Traffic {
  readonly #open = new Set<OpenSpan>();
  readonly #ended = new Map<string, EndCount>();
  readonly #sent = new Map<Transport, number>();
  readonly #read = new Map<Transport, number>();
  readonly #refusals = new Map<ErrorCode, number>();
  readonly #deliveries = new Map<string, DeliveryCount>();
  /** The open append of each path of this process, and where it began. */
  readonly #channels = new Map<string, { readonly channel: Channel; readonly from: number }>();
  #stored = 0;

  /** Counts a connection that begins. */
  began(span: OpenSpan): void {
    this.#open.add(span);
  }

  /**
   * Counts a connection that has ended.
   *
   * @param offset Where it ended.
   * @param reason Why; see `EndEvent.reason`.
   */
  ended(span: OpenSpan, offset: number, reason: string): void {
    const { type, transport } = span;
    if (!this.#open.delete(span)) return;
    if (type === "follow") addTo(this.#sent, transport, Math.max(0, offset - span.offset));
    const key = `${type} ${transport} ${reason}`;
    const known = this.#ended.get(key);
    if (known) known.count++;
    else this.#ended.set(key, { type, transport, reason, count: 1 });
  }

  /** Counts bytes of an answer that is not a follow. */
  read(transport: Transport, bytes: number): void {
    addTo(this.#read, transport, bytes);
  }

  /** Counts a refused request. */
  refused(code: ErrorCode): void {
    addTo(this.#refusals, code, 1);
  }

  /** Counts a delivery of a wake to the worker of a subscription. */
  delivered(kind: string, outcome: string): void {
    const key = `${kind} ${outcome}`;
    const known = this.#deliveries.get(key);
    if (known) known.count++;
    else this.#deliveries.set(key, { kind, outcome, count: 1 });
  }

  /** The deliveries of wakes. */
  get deliveries(): Iterable<DeliveryCount> {
    return this.#deliveries.values();
  }

  /** Counts the bytes of an append from here on, over all of its connections. */
  appendBegan(channel: Channel): void {
    this.#channels.set(channel.path, { channel, from: channel.size });
  }

  /** Counts the bytes of an append that has ended. */
  appendEnded(channel: Channel, { size }: Outcome): void {
    const known = this.#channels.get(channel.path);
    if (known?.channel !== channel) return;
    this.#channels.delete(channel.path);
    this.#stored += Math.max(0, size - known.from);
  }

  /** The connections that are open now. */
  get open(): Iterable<OpenSpan> {
    return this.#open;
  }

  /** The connections that have ended. */
  get endCounts(): Iterable<EndCount> {
    return this.#ended.values();
  }

  /** Refused requests, by error code. */
  get refusals(): ReadonlyMap<ErrorCode, number> {
    return this.#refusals;
  }

  /** Bytes that appends have stored. */
  get storedBytes(): number {
    let bytes = this.#stored;
    for (const { channel, from } of this.#channels.values()) bytes += Math.max(0, channel.size - from);
    return bytes;
  }

  /** Bytes that follows have received, by transport. */
  get sentBytes(): ReadonlyMap<Transport, number> {
    const sent = new Map(this.#sent);
    for (const span of this.#open) {
      if (span.type === "follow") addTo(sent, span.transport, Math.max(0, span.position() - span.offset));
    }
    return sent;
  }

  /** Bytes that reads, listings, line counts and searches have received, by transport. */
  get readBytes(): ReadonlyMap<Transport, number> {
    return this.#read;
  }

  /** Bytes by which the slowest follower of an append of this process is behind. */
  get lagBytes(): number {
    let max = 0;
    for (const { type, path, position } of this.#open) {
      const append = type === "follow" ? this.#channels.get(path) : undefined;
      if (append) max = Math.max(max, append.channel.size - position());
    }
    return max;
  }
}

function addTo<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
