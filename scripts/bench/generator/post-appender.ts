/**
 * An appender that sends one POST after the other on one connection. Records that arrive meanwhile form the next batch.
 * @module
 */
import type { Appender } from "./appender.ts";
import { type Body, Connection, type Head, Outgoing } from "./connection.ts";
import { httpBody } from "./http-body.ts";
import { cycle, type RecordSpec } from "./records.ts";

/** The maximum size of a batch in bytes, unless a single record is larger. */
const BATCH_BYTES = 64 * 1024;

const HEADERS = { "Content-Type": "text/plain" };

/** An appender over HTTP. */
export class PostAppender implements Appender {
  readonly opened: Promise<void>;
  readonly #url: URL;
  readonly #spec: RecordSpec;
  readonly #cycle: Buffer;
  readonly #connection: Connection;
  #answered: () => void = () => {};
  #failed: (error: Error) => void = () => {};
  #at = 0;
  #waiting: Buffer[] = [];
  #posting: Promise<void> | undefined;
  #broken: Error | undefined;

  /** Connects, and creates the stream if it does not exist. */
  constructor(url: URL, spec: RecordSpec) {
    this.#url = url;
    this.#spec = spec;
    this.#cycle = cycle(spec);
    this.opened = this.#answer();
    this.#connection = new Connection(new Outgoing({ method: "PUT", url, headers: HEADERS, body: new Uint8Array() }), {
      opened: (head) => this.#opened(head),
      closed: (error) => this.#closed(error),
    });
  }

  async flood(records: number): Promise<void> {
    const { bytes: size } = this.#spec;
    const most = Math.max(1, Math.floor(BATCH_BYTES / size)) * size;
    for (let left = records * size; left > 0; ) {
      const from = this.#at % this.#cycle.length;
      const batch = this.#cycle.subarray(from, from + Math.min(most, left));
      await this.#post(batch);
      this.#at += batch.length;
      left -= batch.length;
    }
  }

  send(record: Buffer): void {
    this.#waiting.push(record);
    this.#posting ??= this.#postWaiting();
  }

  async settled(): Promise<void> {
    await this.#posting;
    if (this.#broken) throw this.#broken;
  }

  async end(): Promise<void> {
    await this.settled();
    this.drop();
  }

  drop(): void {
    this.#connection.drop();
  }

  async #postWaiting(): Promise<void> {
    try {
      while (this.#waiting.length > 0) await this.#post(Buffer.concat(this.#waiting.splice(0)));
    } catch (error) {
      this.#broken = error as Error;
    }
    this.#posting = undefined;
  }

  #post(body: Uint8Array): Promise<void> {
    if (this.#broken) return Promise.reject(this.#broken);
    const answer = this.#answer();
    this.#connection.send(new Outgoing({ method: "POST", url: this.#url, headers: HEADERS, body }));
    return answer;
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
    });
  }

  #opened(head: Head): Body {
    if (head.status < 200 || head.status > 299) throw new Error(`the server answered with status ${head.status}`);
    const nothing: Body = { feed: () => {} };
    if (head.status !== 204) return httpBody(head, nothing, this.#answered);
    this.#answered();
    return nothing;
  }

  #closed(error: Error | undefined): void {
    this.#broken ??= error ?? new Error("The server closed the appender's connection.");
    this.#failed(this.#broken);
  }
}
