/**
 * What a command tells people: kept in order, never waited for, dropped and counted when there is too much of it.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Descriptor, type DescriptorNumber, openDescriptor } from "./descriptor.ts";

/** Bytes that wait for a reader before more messages are dropped. */
export const QUEUED_BYTES: number = 128 * 1024;

/** Milliseconds between two attempts to write what could not be written: the first one, and the longest. */
const RETRY_FIRST_MS = 10;
const RETRY_MOST_MS = 250;

/** Milliseconds that the end of the process waits for a reader who takes nothing, and for one who takes something. */
const SETTLE_IDLE_MS = 500;
const SETTLE_MOST_MS = 5_000;

/** Puts the number of dropped messages into words, as a message of its own. */
export type DroppedWords = (count: number) => string;

/**
 * The sentence about dropped messages.
 *
 * @example
 * ```ts
 * droppedSentence(2); // "2 messages were dropped: nothing could be written here."
 * ```
 */
export function droppedSentence(count: number): string {
  return `${count} ${count === 1 ? "message was" : "messages were"} dropped: nothing could be written here.`;
}

/** The messages of one process on standard output or error. */
export class Messages {
  readonly #open: () => Descriptor;
  readonly #dropWords: DroppedWords;
  #descriptor: Descriptor | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #dropped = 0;
  /** Whether a write is under way. */
  #busy = false;
  #pumping = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryMs = RETRY_FIRST_MS;
  #progressMs = 0;

  /**
   * @param open Opens what they are written to, when there is a first one.
   * @param dropWords Says how many were dropped, with the end of its line.
   */
  constructor(open: () => Descriptor, dropWords: DroppedWords = (count) => `${droppedSentence(count)}\n`) {
    this.#open = open;
    this.#dropWords = dropWords;
  }

  /** Whether something waits to be written. */
  get waiting(): boolean {
    return this.#queue.length > 0;
  }

  /** Writes a message, with the end of its line, or remembers that there was one. */
  say(message: string): void {
    if (this.#dropped > 0 && !this.#admitDropped()) {
      this.#dropped++;
      return;
    }
    if (!this.#admit(message)) this.#dropped++;
    this.#pump();
  }

  /** Writes what is of no use later, as the next look of a progress bar; nothing while something waits. */
  show(text: string): void {
    if (this.waiting) return;
    this.#admit(text);
    this.#pump();
  }

  /** Waits a moment for what is left; a reader who takes nothing must not hold up the end of the process. */
  async settle(): Promise<void> {
    const beganMs = performance.now();
    this.#progressMs = beganMs;
    while (this.waiting) {
      const nowMs = performance.now();
      if (nowMs - this.#progressMs > SETTLE_IDLE_MS || nowMs - beganMs > SETTLE_MOST_MS) return;
      await sleep(RETRY_FIRST_MS);
      this.#pump();
    }
  }

  /** Not as soon as there is room for a line: else every other line would say that one was dropped. */
  #admitDropped(): boolean {
    if (this.#queuedBytes > QUEUED_BYTES / 2 || !this.#admit(this.#dropWords(this.#dropped))) return false;
    this.#dropped = 0;
    return true;
  }

  #admit(message: string): boolean {
    const bytes = new TextEncoder().encode(message);
    // A single long message is better than none.
    if (this.waiting && this.#queuedBytes + bytes.length > QUEUED_BYTES) return false;
    if (bytes.length === 0) return true;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    return true;
  }

  #pump(): void {
    // A write may be done at once, and call back from within.
    if (this.#pumping || this.#busy) return;
    this.#pumping = true;
    this.#descriptor ??= this.#open();
    let failed = false;
    for (let head = this.#queue[0]; head && !this.#busy && !failed; head = this.#queue[0]) {
      this.#busy = true;
      this.#descriptor(head, (error, bytes) => {
        this.#busy = false;
        failed = error !== undefined;
        if (failed) this.#later();
        else this.#took(bytes);
        if (!failed) this.#pump();
      });
    }
    this.#pumping = false;
  }

  #took(bytes: number): void {
    const [head = new Uint8Array()] = this.#queue;
    this.#queuedBytes -= bytes;
    if (bytes < head.length) this.#queue[0] = head.subarray(bytes);
    else this.#queue.shift();
    this.#retryMs = RETRY_FIRST_MS;
    this.#progressMs = performance.now();
    if (!this.waiting && this.#dropped > 0) this.#admitDropped();
  }

  #later(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#pump(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MOST_MS);
  }
}

const standard: Partial<Record<DescriptorNumber, Messages>> = {};

/**
 * The one queue of this process for standard output or error.
 *
 * @param dropWords Used where this call makes it.
 */
export function messagesOn(fd: DescriptorNumber, dropWords?: DroppedWords): Messages {
  const known = standard[fd] ?? new Messages(() => openDescriptor(fd), dropWords);
  standard[fd] = known;
  return known;
}

/** Waits a moment for everything that was said; see {@link Messages.settle}. */
export async function settleMessages(): Promise<void> {
  await Promise.all(Object.values(standard).map((messages) => messages.settle()));
}
