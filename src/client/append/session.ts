/**
 * An append with `httpfstream.v1`. It survives broken connections, and every byte arrives exactly once.
 * @module
 */

import type { ServerControl } from "../../protocol/control.ts";
import { StreamError } from "../../protocol/errors.ts";
import { PROTOCOL } from "../../protocol/subprotocol.ts";
import { callUser } from "../../support/callback.ts";
import { Condition } from "../../support/condition.ts";
import type { Scope } from "../../support/scope.ts";
import type { Environment } from "../connection/environment.ts";
import { aborted, broken, noSubprotocol } from "../connection/failure.ts";
import { FRAME_BYTES, RETAINED_BYTES } from "../connection/limits.ts";
import { type ClientSocket, Relay } from "../connection/socket.ts";
import { appendUrl, type Target } from "../connection/target.ts";
import { DurableServerFound, upgradeRefused } from "../durable/discovery.ts";
import { Reconnector, type RetryOptions } from "../retry/reconnector.ts";
import { isComplete } from "./completion.ts";
import { AppendConnection, type SessionOwner } from "./connection.ts";
import { otherSize, sourceTooShort } from "./mismatch.ts";
import { Retained } from "./retained.ts";
import { type Appending, type AppendState, pointOf, type Resume, type ResumePoint } from "./state.ts";

/** The dependencies of an {@link AppendSession}. */
export interface SessionParts {
  readonly environment: Environment;
  readonly target: Target;
  /** The scope of the session; the session ends it. */
  readonly scope: Scope;
  /** Whether each attempt gets a new token. Default false. */
  readonly renewsToken?: boolean;
  readonly options: RetryOptions & {
    readonly offset?: number;
    readonly resume?: Resume;
    readonly onAcked?: (point: ResumePoint) => void;
  };
  report(state: AppendState): void;
}

/** An open connection to a server that does not support the subprotocol. */
export interface ClassicConnection {
  readonly socket: ClientSocket;
  /** Buffers the events of the socket. */
  readonly relay: Relay;
}

/** One append across any number of connections. Call {@link open} first. */
export class AppendSession implements Appending, SessionOwner {
  retained: Retained = new Retained(0);
  ending = false;
  readonly failed: Promise<StreamError>;
  readonly #parts: SessionParts;
  readonly #reconnector: Reconnector;
  #connection: AppendConnection | undefined;
  #token: string | undefined;
  #generation: string | undefined;
  /** The offset of its first byte; undefined until it is known. */
  #first: number | undefined;
  /** Leading bytes of the source that the server already has. */
  #skip = 0;
  #window = 0;
  /** The offset just past the last byte ever sent. */
  #sent = 0;
  #endSent = false;
  #isComplete = false;
  #error: StreamError | undefined;
  readonly #changed = new Condition();
  #setFailed: (error: StreamError) => void = () => {};

  constructor(parts: SessionParts) {
    const { environment, scope, options } = parts;
    const { clock } = environment;
    this.#parts = parts;
    this.#token = options.resume?.session;
    this.#generation = options.resume?.generation;
    this.failed = new Promise((resolve) => {
      this.#setFailed = resolve;
    });
    this.#reconnector = new Reconnector({
      clock,
      random: environment.random,
      options,
      renewsToken: parts.renewsToken === true,
      resuming: options.resume !== undefined,
      signal: scope.signal,
      onRetrying: (state) => parts.report(state),
    });
  }

  get bytes(): number {
    return this.retained.end - (this.#first ?? 0);
  }

  get offset(): number | undefined {
    return this.#first === undefined ? undefined : this.retained.acked;
  }

  get resumePoint(): ResumePoint | undefined {
    const { offset } = this;
    return pointOf(this.#token, offset, this.#generation);
  }

  /**
   * Opens the first connection.
   *
   * @returns undefined once the session has begun; the connection if the server is a classic one.
   * @throws {DurableServerFound} if the server may support Durable Streams; {@link StreamError} if it cannot connect.
   */
  async open(): Promise<ClassicConnection | undefined> {
    try {
      const connection = await this.#connectRetrying(undefined);
      if (connection instanceof AppendConnection) void this.#run(connection);
      return connection instanceof AppendConnection ? undefined : connection;
    } catch (error) {
      if (error instanceof DurableServerFound && !this.#parts.scope.signal.aborted) throw error;
      this.#fail(this.#finalError(error));
      throw this.#error;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    const skipped = Math.min(this.#skip, bytes.length);
    this.#skip -= skipped;
    for (let at = skipped; at < bytes.length; ) {
      await this.#waitUntil(() => this.retained.length < this.#window);
      const piece = bytes.subarray(at, at + Math.min(FRAME_BYTES, this.#window - this.retained.length));
      this.retained.push(piece);
      at += piece.length;
      void this.#connection?.pump();
    }
  }

  async close(): Promise<void> {
    if (this.#skip > 0) this.#fail(sourceTooShort(this.#parts.target.url, this.#skip));
    this.ending = true;
    void this.#connection?.pump();
    await this.#waitUntil(() => this.#isComplete);
  }

  async leave(reason: unknown): Promise<void> {
    await this.#waitUntil(() => this.retained.length === 0);
    this.#fail(StreamError.from(reason));
  }

  abort(): void {
    this.#fail(aborted(this.#parts.scope.signal, this.#parts.target.url));
  }

  started({ offset, generation, session, window = FRAME_BYTES }: Extract<ServerControl, { type: "start" }>): void {
    const { acked } = this.retained;
    if (this.#first === undefined) this.#begin(offset);
    else if (offset < acked) throw otherSize(this.#parts.target.url, `${offset} bytes, but had acknowledged ${acked}`);
    else if (offset > this.#sent)
      throw otherSize(this.#parts.target.url, `${offset} bytes, but only ${this.#sent} were sent`);
    this.#token = session ?? this.#token;
    this.#generation ??= generation;
    if (this.#token === undefined) {
      throw new StreamError("protocol", 'The server sent "start" without a session.', {
        path: this.#parts.target.url.href,
      });
    }
    this.#window = Math.max(1, Math.min(window, RETAINED_BYTES));
    this.#reconnector.opened();
    this.#parts.report({ state: "open", protocol: PROTOCOL, offset });
    this.acked(offset, acked < offset);
  }

  acked(offset: number, progress = true): void {
    this.retained.ack(offset);
    if (progress) this.#reconnector.progressed();
    this.#changed.wake();
    const { resumePoint } = this;
    if (resumePoint) callUser("onAcked", this.#parts.options.onAcked, resumePoint);
  }

  ended(offset: number): void {
    const { acked, end } = this.retained;
    if (offset !== end) throw otherSize(this.#parts.target.url, `${offset} bytes at the end, but should have ${end}`);
    if (offset > acked) this.acked(offset);
  }

  async #run(connection: AppendConnection): Promise<void> {
    try {
      for (let current: AppendConnection | undefined = connection; current; ) {
        this.#connection = current;
        void current.pump();
        const error: StreamError | undefined = await current.over;
        this.#connection = undefined;
        this.#sent = Math.max(this.#sent, current.sent);
        this.#endSent ||= current.endSent;
        current = error && (await this.#resume(error));
      }
      if (!this.#error) this.#complete();
    } catch (error) {
      this.#fail(this.#finalError(error));
    }
  }

  /** Replaces a broken connection. Returns undefined if the append turns out to be complete. */
  async #resume(error: StreamError): Promise<AppendConnection | undefined> {
    const connection = await this.#connectRetrying(error);
    if (connection === undefined || connection instanceof AppendConnection) return connection;
    throw noSubprotocol(this.#parts.target.url);
  }

  /** Connects, and retries as long as the retry policy allows. */
  async #connectRetrying(before: StreamError | undefined): Promise<AppendConnection | ClassicConnection | undefined> {
    for (let error = before; ; ) {
      if (error) await this.#reconnector.lost(error);
      try {
        return await this.#connect();
      } catch (thrown) {
        error = broken(thrown, this.#parts.target.url);
      }
      try {
        if (await this.#isCompleteOnServer(error)) return undefined;
      } catch (thrown) {
        error = broken(thrown, this.#parts.target.url);
      }
    }
  }

  async #connect(): Promise<AppendConnection | ClassicConnection> {
    const { environment, target, scope, options, report } = this.#parts;
    const { offset } = options;
    const url = appendUrl(target.url, { session: this.#token, generation: this.#generation, offset });
    const requireProtocol = offset !== undefined || this.#token !== undefined;
    const relay = new Relay();
    report({ state: "connecting" });
    const request = { url, headers: target.headers, signal: scope.signal, protocol: PROTOCOL, requireProtocol };
    const socket = await environment.connect(request, relay);
    if (socket instanceof Response) throw await upgradeRefused(socket, this.#parts, requireProtocol);
    if (socket.protocol !== PROTOCOL) {
      if (!requireProtocol) return { socket, relay };
      socket.terminate();
      throw noSubprotocol(target.url);
    }
    this.#reconnector.reached();
    const connection = new AppendConnection(target.url, this, socket, environment.clock);
    relay.to(connection);
    await connection.started;
    return connection;
  }

  /** Whether a session that the server no longer knows has ended because all bytes had arrived. */
  async #isCompleteOnServer({ code }: StreamError): Promise<boolean> {
    // The code is `protocol` if the session ended between the upgrade and its first message.
    if (!this.#endSent || (code !== "gone" && code !== "protocol")) return false;
    const { environment, target, scope } = this.#parts;
    return await isComplete(environment, target, this.retained.end, scope.signal);
  }

  #begin(offset: number): void {
    const { resume, offset: wanted } = this.#parts.options;
    const from = resume?.offset ?? wanted ?? offset;
    if (resume && offset < from)
      throw otherSize(this.#parts.target.url, `${offset} bytes, but had acknowledged ${from}`);
    if (!resume && offset !== from) throw otherSize(this.#parts.target.url, `${offset} bytes, not ${from}`);
    this.#skip = offset - from;
    this.#first = this.#sent = offset;
    this.retained = new Retained(offset);
  }

  #complete(): void {
    const { scope, report } = this.#parts;
    // The last bytes may lack an acknowledgement, but their arrival is proven.
    if (this.retained.length > 0) this.acked(this.retained.end);
    this.#isComplete = true;
    report({ state: "ended", reason: "complete", offset: this.retained.end });
    this.#changed.wake();
    scope.end();
  }

  #fail(error: StreamError): void {
    if (this.#error || this.#isComplete) return;
    const { scope, report } = this.#parts;
    this.#error = error;
    this.#connection?.drop(error);
    this.#setFailed(error);
    this.#changed.wake();
    scope.abort();
    scope.end();
    report({ state: "ended", reason: "failed", error });
  }

  #finalError(error: unknown): StreamError {
    const { scope, target } = this.#parts;
    return scope.signal.aborted ? aborted(scope.signal, target.url) : broken(error, target.url);
  }

  async #waitUntil(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#error) throw this.#error;
      await this.#changed.wait();
    }
  }
}
