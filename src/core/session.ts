/**
 * A resumable append: it outlives its connections, and waits for the next one for as long as its grace lasts.
 * @module
 */
import type { AppenderEvents } from "./appender.ts";
import type { Outcome } from "./channel.ts";
import { StreamError } from "./errors.ts";
import type { Admission } from "./hub.ts";
import type { EndReason, SessionRecords } from "./store.ts";

/** What the connection of a session wants to hear. */
export interface SessionConnection extends AppenderEvents {
  /** A newer connection has resumed the session; nothing that still comes on this one counts. */
  superseded(): void;
}

/** What an {@link AppendSession} works with. */
export interface SessionParts {
  readonly path: string;
  /** The digest of its token. */
  readonly digest: string;
  readonly admission: Admission;
  readonly records: SessionRecords;
  /** Milliseconds that it waits without a connection. */
  readonly graceMs: number;
  /** Called once, when it has ended. */
  readonly onEnd: () => void;
  /** Told when its record can't be removed: the next server will take it for open. */
  readonly onProblem: (error: unknown) => void;
}

/** One resumable append. It has a connection, or it is in its grace, or it has ended. */
export class AppendSession {
  readonly path: string;
  readonly digest: string;
  readonly #parts: SessionParts;
  #connection: SessionConnection | undefined;
  /** Connections that are being made: while there are any, nobody counts the grace. */
  readonly #expected = new Set<SessionConnection>();
  #grace: { readonly timer: ReturnType<typeof setTimeout>; readonly untilMs: number } | undefined;
  #ending: Promise<Outcome> | undefined;

  /** It begins in its grace: the first connection is expected and attached as any later one. */
  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.path = parts.path;
    this.digest = parts.digest;
    this.#wait();
  }

  /** The size of the path: where the next byte goes. */
  get offset(): number {
    return this.#parts.admission.appender.channel.size;
  }

  /** Bytes taken and not yet stored. */
  get queued(): number {
    return this.#parts.admission.appender.queued;
  }

  /** Milliseconds until its path is free, if nobody resumes it; nothing while it has a connection. */
  get graceLeftMs(): number | undefined {
    return this.#grace && Math.max(0, this.#grace.untilMs - performance.now());
  }

  /** Whether it has ended, or is about to. */
  get ended(): boolean {
    return this.#ending !== undefined;
  }

  /** What ended it, if storing failed or the path was lost. */
  get error(): StreamError | undefined {
    return this.#parts.admission.appender.error;
  }

  /** Waits for a connection that is being made: its end is {@link attach} or {@link detach}. */
  expect(connection: SessionConnection): void {
    this.#expected.add(connection);
    this.#endGrace();
  }

  /** Ends it if what it has stored is not there any more. */
  async verify(): Promise<void> {
    await this.#parts.admission.appender.verify();
  }

  /**
   * Gives it a connection, and drops the one it had. Everything taken from the older one is stored when this resolves.
   *
   * @returns the offset at which the connection goes on.
   * @throws {StreamError} `gone` when it ended meanwhile.
   */
  async attach(connection: SessionConnection): Promise<number> {
    this.#connection?.superseded();
    this.#connection = connection;
    this.#expected.delete(connection);
    this.#endGrace();
    await this.#parts.admission.appender.idle;
    if (this.#ending)
      throw new StreamError("gone", `The append session of "/${this.path}" has ended.`, { path: this.path });
    return this.offset;
  }

  /** The connection broke, or was never made: its grace begins, unless there is another one. */
  detach(connection: SessionConnection): void {
    const known = this.#expected.delete(connection) || this.#connection === connection;
    if (this.#connection === connection) this.#connection = undefined;
    if (known && !this.#connection && this.#expected.size === 0 && !this.#ending) this.#wait();
  }

  /** Takes a piece from the connection. */
  push(connection: SessionConnection, piece: Uint8Array): void {
    if (this.#connection === connection) this.#parts.admission.appender.push(piece);
  }

  /** A batch is stored. */
  stored(offset: number): void {
    this.#connection?.stored?.(offset);
  }

  /** Storing failed: the session is over, unless it goes on in another process. */
  failed(error: StreamError): void {
    const connection = this.#connection;
    void this.end(error.code === "fenced" ? "restarting" : "lost").then(() => connection?.failed?.(error));
  }

  /**
   * Ends it. After `restarting` it can be resumed; after anything else its token is worth nothing.
   * The first call decides the reason, unless it cannot be: see what it resolves with.
   */
  end(reason: EndReason): Promise<Outcome> {
    this.#ending ??= this.#end(reason);
    return this.#ending;
  }

  async #end(reason: EndReason): Promise<Outcome> {
    this.#endGrace();
    const { admission, records, onEnd, onProblem } = this.#parts;
    // Everything is stored before the record goes: a crash in between must leave something to resume.
    await (reason === "restarting" ? admission.appender.idle : admission.appender.verify());
    // A session that goes on in another process keeps its record there.
    const { channel, error } = admission.appender;
    // From here on nothing can be resumed, and what watches must not take a crash for a lost append.
    if (reason === "complete" && !error) await channel.announce(reason).catch(onProblem);
    if (reason !== "restarting" && !channel.lost.aborted) {
      await records.remove(this.path).catch(onProblem);
    }
    onEnd();
    return admission.end(reason);
  }

  #wait(): void {
    const { graceMs } = this.#parts;
    const timer = setTimeout(() => void this.end("lost"), graceMs);
    this.#grace = { timer, untilMs: performance.now() + graceMs };
  }

  #endGrace(): void {
    clearTimeout(this.#grace?.timer);
    this.#grace = undefined;
  }
}
