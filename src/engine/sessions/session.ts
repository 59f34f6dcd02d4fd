/**
 * A resumable append: it outlives its connections, and waits for the next one during its grace period.
 * @module
 */

import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { AppendOwner } from "../append/append-slot.ts";
import type { AppenderEvents } from "../append/batcher.ts";
import type { Admission } from "../append/registry.ts";
import type { Outcome } from "../follow/followable.ts";
import type { SessionClaim, SessionRecord, SessionRecords } from "../storage/store.ts";
import { mayContinue } from "../storage/unavailable.ts";
import { Grace } from "./grace-period.ts";

/** Callbacks for the connection of a session. */
export interface SessionConnection extends AppenderEvents {
  /** A newer connection has resumed the session; whatever still arrives on this one is ignored. */
  superseded(): void;
}

/** The parts of an {@link AppendSession}. */
export interface SessionParts {
  /** Its record in the store. */
  readonly record: SessionRecord;
  /** Milliseconds left of its grace period. Default: all of it, as for a new session. */
  readonly graceLeftMs?: number;
  readonly admission: Admission;
  readonly records: SessionRecords;
  /** Milliseconds that it waits without a connection, counted over all servers that hold it in that time. */
  readonly graceMs: number;
  /** Starts watching the path before handover; call the result to stop. */
  readonly watchHandover: () => Promise<() => void>;
  /** Called once, when the session ends. */
  readonly onEnd: () => void;
  /** Called when its record can't be changed or removed: the next server will use the outdated record. */
  readonly onProblem: (error: unknown) => void;
}

/** Milliseconds for which the path is watched after a handover, so that local followers find its new process. */
const HANDOVER_WATCH_MS = 1_000;

/**
 * Milliseconds for which an adopted session is not handed on: others of its connections may be waiting for it in this process,
 * and two processes would pass it to and fro.
 */
const KEPT_MS = 250;

/** One resumable append: connected, in its grace period, or ended. */
export class AppendSession implements AppendOwner {
  readonly path: string;
  readonly digest: string;
  readonly #parts: SessionParts;
  #connection: SessionConnection | undefined;
  /** Connections that are being established: while there are any, the grace period does not run. */
  readonly #expected = new Set<SessionConnection>();
  readonly #grace: Grace;
  /** The milliseconds of grace on record; undefined for the whole grace period. */
  #recordedMs: number | undefined;
  /** Settles when the latest change of the record is stored. */
  #recorded: Promise<void> = Promise.resolve();
  #ending: Promise<Outcome> | undefined;
  /** When it may be handed over, on the clock of `performance.now()`. */
  readonly #keptUntilMs: number;
  /** The claim of the path. Once another process has taken it over, the record belongs to that one. */
  readonly #claim: SessionClaim;

  /** A new session has no connection, so its grace period runs until the first one attaches. */
  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.path = parts.record.path;
    this.digest = parts.record.digest;
    const { channel } = parts.admission.batcher;
    this.#claim = { epoch: channel.epoch, isOurs: () => !channel.isRevoked() };
    this.#recordedMs = parts.record.graceLeftMs;
    this.#grace = new Grace({
      graceMs: parts.graceMs,
      record: (leftMs) => this.#record(leftMs),
      onExpired: () => void this.end("lost", false, notBack(this.path, parts.graceMs)),
    });
    this.#keptUntilMs = parts.graceLeftMs === undefined ? 0 : performance.now() + KEPT_MS;
    const { handoverRequested } = parts.admission.batcher.channel;
    handoverRequested?.addEventListener("abort", () => void this.#handOver());
    if (parts.graceLeftMs === undefined) this.#grace.begin();
    else this.#grace.resume(parts.graceLeftMs);
    // The request may have come right after the claim, and an aborted signal fires no event.
    if (handoverRequested?.aborted) void this.#handOver();
  }

  /** The size of the path: where the next byte goes. */
  get offset(): number {
    return this.#parts.admission.batcher.channel.size;
  }

  /** The generation of the content that it appends to. */
  get generation(): string {
    return this.#parts.admission.batcher.channel.generation;
  }

  /** Bytes accepted and not yet stored. */
  get queued(): number {
    return this.#parts.admission.batcher.queued;
  }

  /** Milliseconds until its path is free unless a client resumes it; undefined while it has a connection. */
  retryAfterMs(): number | undefined {
    return this.#grace.leftMs;
  }

  /** Whether it has ended or is ending. */
  get ended(): boolean {
    return this.#ending !== undefined;
  }

  /** The error that ended it, if storing failed or the path was revoked. */
  get error(): StreamError | undefined {
    return this.#parts.admission.batcher.error;
  }

  /** Waits for a connection that is being established; {@link attach} or {@link detach} must follow. */
  expect(connection: SessionConnection): void {
    this.#expected.add(connection);
    this.#grace.stop();
  }

  /** Ends the session if its stored bytes are no longer there. */
  async verify(): Promise<void> {
    await this.#parts.admission.batcher.verify();
  }

  /**
   * Attaches a connection and drops the previous one. All bytes accepted from the previous one are stored when this
   * resolves.
   *
   * @returns The offset at which the connection continues.
   * @throws {StreamError} `gone` if the session has ended.
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

  /**
   * Detaches a connection that broke or was never established: the grace period begins, unless there is another
   * connection.
   */
  detach(connection: SessionConnection): void {
    const known = this.#expected.delete(connection) || this.#connection === connection;
    if (this.#connection === connection) this.#connection = undefined;
    if (!known || this.#connection || this.#expected.size > 0 || this.#ending) return;
    // Other processes read the record to report to their appenders how long to wait.
    this.#record(this.#parts.graceMs);
    this.#grace.begin();
  }

  /** Accepts a piece from the connection; ignored once a newer connection is attached. */
  push(connection: SessionConnection, piece: Uint8Array): void {
    if (this.#connection === connection) this.#parts.admission.batcher.push(piece);
  }

  /** Called when a batch is stored. */
  stored(offset: number): void {
    this.#connection?.stored?.(offset);
  }

  /** Called when storing failed: ends the session here. If another process has it, or may resume it, it is not lost. */
  failed(error: StreamError): void {
    const connection = this.#connection;
    void this.end(mayContinue(error) ? "restarting" : "lost").then(() => connection?.failed?.(error));
  }

  /** Called on shutdown: the next server can resume the session. */
  shutDown(): Promise<Outcome> {
    return this.end("restarting");
  }

  /**
   * Ends the session. After `restarting` it can be resumed; after any other reason its token is void. First reason
   * wins; a storage failure overrides it: see the outcome.
   *
   * @param error What ends it, if it failed. Default: a failure of storing, if there was one.
   */
  end(reason: EndReason, unused = false, error?: StreamError): Promise<Outcome> {
    this.#ending ??= this.#end(reason, unused, error);
    return this.#ending;
  }

  /** Removes its record: it can't be resumed any more. */
  async forget(): Promise<void> {
    const { records, onProblem } = this.#parts;
    await records.remove(this.path, this.#claim).catch(unlessFenced(onProblem));
  }

  async #end(reason: EndReason, unused: boolean, cause: StreamError | undefined): Promise<Outcome> {
    this.#grace.stop();
    const { admission, onEnd, onProblem } = this.#parts;
    await this.#recorded;
    // Everything is stored before the record is removed: a crash in between must leave a session to resume.
    await (reason === "restarting" ? admission.batcher.idle : admission.batcher.verify());
    const { channel, error } = admission.batcher;
    // From here on the session can't be resumed, and watchers must not mistake a crash for a lost append.
    if (reason === "complete" && !error) await channel.leaveEndMarker(reason).catch(onProblem);
    if (reason !== "restarting") await this.forget();
    onEnd();
    return admission.end(reason, unused, cause);
  }

  /** Hands the session over to another process, to which its appender has connected. */
  async #handOver(): Promise<void> {
    const { watchHandover, onProblem } = this.#parts;
    const keptMs = this.#keptUntilMs - performance.now();
    if (keptMs > 0) await new Promise((resolve) => setTimeout(resolve, keptMs));
    const leave = await watchHandover().catch(onProblem);
    this.#connection?.superseded();
    this.#connection = undefined;
    await this.end("restarting");
    if (leave) setTimeout(leave, HANDOVER_WATCH_MS);
  }

  /**
   * Records what is left of the grace period; undefined for all of it. Ignored once the session ends: its record may be
   * another session's.
   */
  #record(graceLeftMs: number | undefined): void {
    if (this.#ending) return;
    const { records, onProblem } = this.#parts;
    const record = { path: this.path, digest: this.digest, ...(graceLeftMs === undefined ? {} : { graceLeftMs }) };
    this.#recordedMs = graceLeftMs;
    this.#recorded = this.#recorded.then(() => records.save(record, this.#claim)).catch(unlessFenced(onProblem));
  }
}

/** Another process has the session and its record, so this one need not report a failure. */
function unlessFenced(onProblem: (error: unknown) => void): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof StreamError && error.code === "fenced")) onProblem(error);
  };
}

function notBack(path: string, graceMs: number): StreamError {
  return new StreamError("lost", `The appender of "/${path}" did not return within ${graceMs / 1000} s (graceMs).`, {
    path,
  });
}
