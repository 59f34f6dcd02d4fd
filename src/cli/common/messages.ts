/**
 * The messages of a command for its user: written in order without blocking, and dropped and counted on overflow.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Descriptor, type DescriptorNumber, openDescriptor } from "./descriptor.ts";

/** Bytes that may be queued before messages are dropped. */
const QUEUED_BYTES: number = 128 * 1024;

/** Milliseconds between attempts to write: the first interval, and the longest. */
const RETRY_FIRST_MS = 10;
const RETRY_MAX_MS = 250;

/** Milliseconds that the process waits at its end: for a reader that does not read, and in total. */
const SETTLE_IDLE_MS = 500;
const SETTLE_MAX_MS = 5_000;

const encoder = new TextEncoder();

/** Formats the number of dropped messages as a message. */
export type DroppedWords = (count: number) => string;

/**
 * The sentence about dropped messages.
 *
 * @example
 * ```ts
 * droppedSentence(2); // "2 messages were dropped: this output could not be written to."
 * ```
 */
export function droppedSentence(count: number): string {
  return `${count} ${count === 1 ? "message was" : "messages were"} dropped: this output could not be written to.`;
}

/** The messages of one process on standard output or standard error. */
export class Messages {
  readonly #open: () => Descriptor;
  readonly #dropWords: DroppedWords;
  #descriptor: Descriptor | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #dropped = 0;
  /** Whether a write is in progress. */
  #busy = false;
  #pumping = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryMs = RETRY_FIRST_MS;
  #progressMs = 0;

  /**
   * @param open Opens the output at the first message.
   * @param dropWords Formats the number of dropped messages, including the line break.
   */
  constructor(open: () => Descriptor, dropWords: DroppedWords = (count) => `${droppedSentence(count)}\n`) {
    this.#open = open;
    this.#dropWords = dropWords;
  }

  /** Whether messages are queued. */
  get waiting(): boolean {
    return this.#queue.length > 0;
  }

  /** Queues a message, including its line break, or counts it as dropped if the queue is full. */
  say(message: string): void {
    if (this.#dropped > 0 && !this.#enqueueDropped()) {
      this.#dropped++;
      return;
    }
    if (!this.#enqueue(message)) this.#dropped++;
    this.#pump();
  }

  /** Writes text that is useless later, such as a frame of a progress bar. Skips it while messages are queued. */
  show(text: string): void {
    if (this.waiting) return;
    this.#enqueue(text);
    this.#pump();
  }

  /** Waits for the queued messages: at most 5 s, and at most 500 ms without progress. */
  async settle(): Promise<void> {
    const beganMs = performance.now();
    this.#progressMs = beganMs;
    while (this.waiting) {
      const nowMs = performance.now();
      if (nowMs - this.#progressMs > SETTLE_IDLE_MS || nowMs - beganMs > SETTLE_MAX_MS) return;
      await sleep(RETRY_FIRST_MS);
      this.#pump();
    }
  }

  /** Waits until the queue is half empty; otherwise every second line would report a dropped one. */
  #enqueueDropped(): boolean {
    if (this.#queuedBytes > QUEUED_BYTES / 2 || !this.#enqueue(this.#dropWords(this.#dropped))) return false;
    this.#dropped = 0;
    return true;
  }

  #enqueue(message: string): boolean {
    const bytes = encoder.encode(message);
    // An empty queue accepts a message of any length.
    if (this.waiting && this.#queuedBytes + bytes.length > QUEUED_BYTES) return false;
    if (bytes.length === 0) return true;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    return true;
  }

  #pump(): void {
    // A write may complete synchronously and call back from within this loop.
    if (this.#pumping || this.#busy) return;
    this.#pumping = true;
    this.#descriptor ??= this.#open();
    let failed = false;
    for (let head = this.#queue[0]; head && !this.#busy && !failed; head = this.#queue[0]) {
      this.#busy = true;
      this.#descriptor(head, (error, bytes) => {
        this.#busy = false;
        failed = error !== undefined;
        if (failed) this.#retryLater();
        else this.#consume(bytes);
        if (!failed) this.#pump();
      });
    }
    this.#pumping = false;
  }

  #consume(bytes: number): void {
    const [head = new Uint8Array()] = this.#queue;
    this.#queuedBytes -= bytes;
    if (bytes < head.length) this.#queue[0] = head.subarray(bytes);
    else this.#queue.shift();
    this.#retryMs = RETRY_FIRST_MS;
    this.#progressMs = performance.now();
    if (!this.waiting && this.#dropped > 0) this.#enqueueDropped();
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#pump(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }
}

const standard: Partial<Record<DescriptorNumber, Messages>> = {};

/**
 * Returns this process's queue for standard output or standard error.
 *
 * @param dropWords Formats the number of dropped messages; used only if this call creates the queue.
 */
export function messagesOn(fd: DescriptorNumber, dropWords?: DroppedWords): Messages {
  const known = standard[fd] ?? new Messages(() => openDescriptor(fd), dropWords);
  standard[fd] = known;
  return known;
}

/** Waits for all queued messages; see {@link Messages.settle}. */
export async function settleMessages(): Promise<void> {
  await Promise.all(Object.values(standard).map((messages) => messages.settle()));
}
