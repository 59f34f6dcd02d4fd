/**
 * A client that appends to a stream over the Durable Streams protocol, and repeats what was not answered.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger } from "../ledger.ts";
import type { HostileProxy } from "../proxy.ts";
import type { Random } from "../random.ts";
import type { Book, Entry } from "./book.ts";
import type { WriterPlan } from "./plan.ts";
import { insist, nextOffset, type Reply, saysClosed } from "./requests.ts";

/** The most messages in one request. */
const MAX_MESSAGES = 4;

/** The header of a request that closes a stream. */
export const CLOSED = { "Stream-Closed": "true" } as const;

/** A stream, as its clients know it. */
export interface KnownStream {
  readonly path: string;
  readonly type: string;
  readonly book: Book;
  /** Whether a request to close it may have been sent. */
  isClosing: boolean;
  /** Whether a request to remove it may have been sent. */
  isRemoving: boolean;
  complain(what: string): void;
}

/** The dependencies of a {@link Writer}. */
export interface WriterParts {
  readonly id: string;
  readonly stream: KnownStream;
  readonly plan: WriterPlan;
  readonly proxy: HostileProxy;
  readonly random: Random;
  readonly ledger: Ledger;
  /** Whether it closes the stream with its last request. */
  readonly closes: boolean;
}

/** A writer, with the instances of it that follow each other. */
export class Writer {
  /** Its current state in words, for reports about a slow run. */
  state = "not begun";
  readonly #parts: WriterParts;
  readonly #sizes: Random;
  #last: Entry | undefined;
  /** The highest epoch that was sent, and the highest one that was answered. */
  #sent = 0;
  #answered = -1;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#sizes = parts.random.fork("sizes");
  }

  /** Sends everything that is planned, or until the stream does not take it any more. */
  async run(): Promise<void> {
    await this.#instance(0);
    this.state = "done";
  }

  /** Sends its last request again, and another one, to the stream that is closed. */
  async expectClosed(): Promise<void> {
    const { book, complain } = this.#parts.stream;
    const last = this.#last;
    if (!last) return;
    const again = await this.#post(last, last === book.closer);
    const wanted = last === book.closer ? 204 : 409;
    if (again.status !== wanted) complain(`${words(last)}, repeated when all is closed, got ${inWords(again)}`);
    const [id, epoch, seq] = last.stamp;
    const more = book.enter([id, epoch, seq + 1], [1]);
    const reply = await this.#post(more, false);
    if (reply.status === 409 && saysClosed(reply)) more.fate = "refused";
    else complain(`${words(more)} to a closed stream got ${inWords(reply)}`);
  }

  /** Runs the instance of an epoch, and those of all later ones. */
  async #instance(epoch: number): Promise<void> {
    const { plan, random, closes, proxy } = this.#parts;
    const least = plan.epochs[epoch] ?? 0;
    const isLast = epoch + 1 === plan.epochs.length;
    const pauses = random.fork("pauses", epoch);
    let later: Promise<void> | undefined;
    for (let seq = 0; !isLast || seq < least; seq++) {
      if (seq === least) {
        const began = this.#instance(epoch + 1);
        later = began;
        // It is fenced with its next request then.
        if (!plan.overlaps) await Promise.race([began, this.#begun(epoch + 1)]);
      }
      if (!(await this.#send([this.#parts.id, epoch, seq], isLast && closes && seq + 1 === least))) break;
      if (!proxy.isCalm) await sleep(pauses.between(0, plan.pauseMs));
    }
    await later;
  }

  async #begun(epoch: number): Promise<void> {
    while (this.#answered < epoch) await sleep(5);
  }

  /** Sends one request until it is answered. Returns whether the stream takes more from this instance. */
  async #send(stamp: Entry["stamp"], closes: boolean): Promise<boolean> {
    const { stream, plan, ledger } = this.#parts;
    const { book } = stream;
    const count = this.#sizes.between(1, MAX_MESSAGES);
    const entry = book.enter(
      stamp,
      Array.from({ length: count }, () => this.#sizes.spread(1, plan.max)),
    );
    if (closes) {
      book.closer = entry;
      stream.isClosing = true;
    }
    const reply = await this.#post(entry, closes);
    ledger.count("requests", kindOf(reply));
    return this.#judge(entry, reply);
  }

  #judge(entry: Entry, reply: Reply): boolean {
    const { stream, plan } = this.#parts;
    const { status, isRepeated } = reply;
    const isSequence = plan.kind === "sequence";
    const isClosed = status === 409 && saysClosed(reply);
    const isStored = isSequence ? status === 204 || (status === 409 && !isClosed && isRepeated) : status === 200;
    if (isStored || (status === 204 && isRepeated)) {
      entry.fate = "stored";
      this.#last = entry;
      if (status < 300) stream.book.reached(nextOffset(reply));
      return true;
    }
    if (!isRepeated) entry.fate = "refused";
    const isFenced = status === 403 && entry.stamp[1] < this.#sent;
    const isGone = stream.isRemoving && [404, 409, 410].includes(status);
    if (isFenced || isGone || (isClosed && stream.isClosing)) return false;
    stream.complain(`${words(entry)} got ${inWords(reply)}`);
    return false;
  }

  async #post(entry: Entry, closes: boolean): Promise<Reply> {
    const { stream, plan, proxy, random } = this.#parts;
    const [id, epoch, seq] = entry.stamp;
    const numbers =
      plan.kind === "producer"
        ? { "Producer-Id": id, "Producer-Epoch": String(epoch), "Producer-Seq": String(seq) }
        : { "Stream-Seq": String(seq).padStart(9, "0") };
    const headers = { "Content-Type": stream.type, ...numbers, ...(closes && CLOSED) };
    let wasFenced = false;
    const begin = (before: string): void => {
      this.state = `sending ${words(entry)}, after ${before}`;
      this.#sent = Math.max(this.#sent, epoch);
      wasFenced = this.#answered > epoch;
    };
    const call = { method: "POST", headers, body: stream.book.body(entry) };
    const reply = await insist(proxy, stream.path, call, random.fork("again", epoch, seq), begin);
    if (reply.status < 300) {
      if (wasFenced) stream.complain(`${words(entry)} got ${reply.status}, though epoch ${this.#answered} had begun`);
      this.#answered = Math.max(this.#answered, epoch);
    }
    return reply;
  }
}

function kindOf(reply: Reply): string {
  const again = reply.isRepeated ? " when repeated" : "";
  return `${reply.status}${saysClosed(reply) && reply.status === 409 ? " closed" : ""}${again}`;
}

function words({ stamp }: Entry): string {
  return `the request ${stamp.join(" ")}`;
}

function inWords({ status, text, isRepeated }: Reply): string {
  return `${status}${isRepeated ? ", when it was repeated" : ""}: ${text.slice(0, 200)}`;
}
