/**
 * A resumable append: it outlives its connections, and waits for the next one for as long as its grace lasts.
 * @module
 */

import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { AppenderEvents } from "../append/batcher.ts";
import type { Admission } from "../append/registry.ts";
import type { Outcome } from "../follow/followable.ts";
import type { SessionRecord, SessionRecords } from "../storage/store.ts";
import { Grace } from "./grace-period.ts";

/** What the connection of a session wants to hear. */
export interface SessionConnection extends AppenderEvents {
  /** A newer connection has resumed the session; nothing that still comes on this one counts. */
  superseded(): void;
}

/** What an {@link AppendSession} works with. */
export interface SessionParts {
  /** What is on record of it. */
  readonly record: SessionRecord;
  /** Milliseconds of the grace that it begins with; nothing for a new one, which has all of it. */
  readonly graceLeftMs?: number;
  readonly admission: Admission;
  readonly records: SessionRecords;
  /** Milliseconds that it waits without a connection, counted over all servers that it has had meanwhile. */
  readonly graceMs: number;
  /** Begins to watch how it goes on elsewhere, until the result is called. */
  readonly watchHandover: () => Promise<() => void>;
  /** Called once, when it has ended. */
  readonly onEnd: () => void;
  /** Told when its record can't be changed or removed: the next server will take it for what it was. */
  readonly onProblem: (error: unknown) => void;
}

/** Milliseconds in which those who follow a session here find it where it has gone. */
const FAREWELL_MS = 1_000;

/** One resumable append. It has a connection, or it is in its grace, or it has ended. */
export class AppendSession {
  readonly path: string;
  readonly digest: string;
  readonly #parts: SessionParts;
  #connection: SessionConnection | undefined;
  /** Connections that are being made: while there are any, nobody counts the grace. */
  readonly #expected = new Set<SessionConnection>();
  readonly #grace: Grace;
  /** What is on record of the grace; nothing for all of it. */
  #recordedMs: number | undefined;
  /** Settles when the record says what it was last told to. */
  #recorded: Promise<void> = Promise.resolve();
  #ending: Promise<Outcome> | undefined;
  /** Whether no other process has it: one that has it keeps its record. */
  readonly #isOurs = (): boolean => !this.#parts.admission.batcher.channel.revoked.aborted;

  /** It begins in its grace: the first connection is expected and attached as any later one. */
  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.path = parts.record.path;
    this.digest = parts.record.digest;
    this.#recordedMs = parts.record.graceLeftMs;
    this.#grace = new Grace({
      graceMs: parts.graceMs,
      record: (leftMs) => this.#record(leftMs),
      over: () => void this.end("lost"),
    });
    const { handoverRequested } = parts.admission.batcher.channel;
    handoverRequested?.addEventListener("abort", () => void this.#handOver(), { once: true });
    if (parts.graceLeftMs === undefined) this.#grace.begin();
    else this.#grace.goOn(parts.graceLeftMs);
    // It may have been asked for since its path was claimed, and nobody is told twice.
    if (handoverRequested?.aborted) void this.#handOver();
  }

  /** The size of the path: where the next byte goes. */
  get offset(): number {
    return this.#parts.admission.batcher.channel.size;
  }

  /** The content that it appends to. */
  get generation(): string {
    return this.#parts.admission.batcher.channel.generation;
  }

  /** Bytes taken and not yet stored. */
  get queued(): number {
    return this.#parts.admission.batcher.queued;
  }

  /** Milliseconds until its path is free, if nobody resumes it; nothing while it has a connection. */
  get graceLeftMs(): number | undefined {
    return this.#grace.leftMs;
  }

  /** Whether it has ended, or is about to. */
  get ended(): boolean {
    return this.#ending !== undefined;
  }

  /** What ended it, if storing failed or the path was lost. */
  get error(): StreamError | undefined {
    return this.#parts.admission.batcher.error;
  }

  /** Waits for a connection that is being made: its end is {@link attach} or {@link detach}. */
  expect(connection: SessionConnection): void {
    this.#expected.add(connection);
    this.#grace.stop();
  }

  /** Ends it if what it has stored is not there any more. */
  async verify(): Promise<void> {
    await this.#parts.admission.batcher.verify();
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
    this.#grace.stop();
    if (this.#recordedMs !== undefined) this.#record(undefined);
    await this.#parts.admission.batcher.idle;
    if (this.#ending)
      throw new StreamError("gone", `The append session of "/${this.path}" has ended.`, { path: this.path });
    return this.offset;
  }

  /** The connection broke, or was never made: its grace begins, unless there is another one. */
  detach(connection: SessionConnection): void {
    const known = this.#expected.delete(connection) || this.#connection === connection;
    if (this.#connection === connection) this.#connection = undefined;
    if (!known || this.#connection || this.#expected.size > 0 || this.#ending) return;
    // Other processes tell their appenders what they are waiting for.
    this.#record(this.#parts.graceMs);
    this.#grace.begin();
  }

  /** Takes a piece from the connection. */
  push(connection: SessionConnection, piece: Uint8Array): void {
    if (this.#connection === connection) this.#parts.admission.batcher.push(piece);
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
  end(reason: EndReason, unused = false): Promise<Outcome> {
    this.#ending ??= this.#end(reason, unused);
    return this.#ending;
  }

  async #end(reason: EndReason, unused: boolean): Promise<Outcome> {
    this.#grace.stop();
    const { admission, records, onEnd, onProblem } = this.#parts;
    await this.#recorded;
    // Everything is stored before the record goes: a crash in between must leave something to resume.
    await (reason === "restarting" ? admission.batcher.idle : admission.batcher.verify());
    const { channel, error } = admission.batcher;
    // From here on nothing can be resumed, and what watches must not take a crash for a lost append.
    if (reason === "complete" && !error) await channel.leaveEndMarker(reason).catch(onProblem);
    if (reason !== "restarting") await records.remove(this.path, this.#isOurs).catch(onProblem);
    onEnd();
    return admission.end(reason, unused);
  }

  /** Its appender has come back to another process, which asks for it. */
  async #handOver(): Promise<void> {
    const { watchHandover, onProblem } = this.#parts;
    const leave = await watchHandover().catch(onProblem);
    this.#connection?.superseded();
    this.#connection = undefined;
    await this.end("restarting");
    if (leave) setTimeout(leave, FAREWELL_MS);
  }

  /** Puts on record what is left of its grace; nothing for all of it. Not once it ends: its record may be another's. */
  #record(graceLeftMs: number | undefined): void {
    if (this.#ending) return;
    const { records, onProblem } = this.#parts;
    const record = { path: this.path, digest: this.digest, ...(graceLeftMs === undefined ? {} : { graceLeftMs }) };
    this.#recordedMs = graceLeftMs;
    this.#recorded = this.#recorded.then(() => records.save(record, this.#isOurs)).catch(onProblem);
  }
}
