/**
 * Appending with `httpfstream.v1`: acknowledged, resumable, exactly once.
 * @module
 */

import type { AppendSession, SessionConnection } from "../../engine/sessions/session.ts";
import { controlType } from "../../protocol/control.ts";
import { ERROR_CODES, StreamError } from "../../protocol/errors.ts";
import { PROTOCOL, SUPERSEDED } from "../../protocol/subprotocol.ts";
import { type MessageLimits, sessionLimits, windowExceeded } from "../platform/message-limits.ts";
import type { SocketPort } from "../platform/platform.ts";
import type { AppendParameters } from "../request/append-parameters.ts";
import { LogSpan } from "../service/log-span.ts";
import { type Exchange, type Service, type Subject, upgrade } from "../service/service.ts";
import { IdleTimeout } from "../timers/idle-timeout.ts";
import { SocketConnection } from "./connection.ts";
import { controlFrame } from "./control-frame.ts";

/**
 * Opens or resumes an append session and upgrades its connection.
 *
 * @throws {StreamError} `replaced`, `conflict`, `precondition_failed`, `gone`, `bad_request`, and any other error of
 * claiming the path; all before the upgrade.
 */
export async function appendWithSession(
  service: Service,
  exchange: Exchange,
  { session: given, preconditions }: AppendParameters,
): Promise<Response> {
  const { path, peer, requestId } = exchange.subject;
  const { session, token } =
    given === undefined
      ? await service.sessions.open(path, { ...preconditions, peer, requestId })
      : { session: await service.sessions.resume(path, given, preconditions.generation), token: given };
  const connection = new V1Appender(service, exchange, session, { token, isFirst: given === undefined });
  session.expect(connection);
  try {
    return await upgrade(exchange, connection, { mayBeSilent: false, protocol: PROTOCOL });
  } catch (error) {
    connection.closed();
    throw error;
  }
}

/** Minimum number of milliseconds between two acknowledgements during a burst. */
const ACK_INTERVAL_MS = 5;

/** The close code after which a client reconnects and resumes its session. */
const RESTARTING = ERROR_CODES.restarting.close;

function restartingError(): StreamError {
  return new StreamError("restarting", "The server is restarting. Reconnect in a moment, with your session.");
}

/** One connection of a session. */
class V1Appender extends SocketConnection implements SessionConnection {
  readonly messageLimits: MessageLimits;
  readonly #subject: Subject;
  readonly #session: AppendSession;
  readonly #token: string;
  readonly #isFirst: boolean;
  /** Whether the session is attached and `start` has been sent. */
  #started = false;
  #over = false;
  #terminateTimer: ReturnType<typeof setTimeout> | undefined;
  #idleTimeout: IdleTimeout | undefined;
  #stored = 0;
  #acked = 0;
  #ackedMs = 0;
  #ackLater: ReturnType<typeof setTimeout> | undefined;
  #span: LogSpan | undefined;

  constructor(
    service: Service,
    exchange: Exchange,
    session: AppendSession,
    { token, isFirst }: { token: string; isFirst: boolean },
  ) {
    super(service, exchange);
    this.messageLimits = sessionLimits(service.limits);
    this.#subject = exchange.subject;
    this.#session = session;
    this.#token = token;
    this.#isFirst = isFirst;
  }

  /**
   * Acknowledges at once after a quiet period. During a burst, an acknowledgement would cost more than storing the
   * data, so it is sent a few hundred times per second, and often enough to keep the window open.
   */
  stored(offset: number): void {
    if (!this.#started) return;
    this.#stored = offset;
    const dueMs = this.#ackedMs + ACK_INTERVAL_MS - performance.now();
    if (dueMs <= 0 || offset - this.#acked >= this.service.limits.windowBytes / 4) this.#ack();
    else this.#ackLater ??= setTimeout(() => this.#ack(), dueMs);
  }

  failed(error: StreamError): void {
    if (error.code === "limit" && !this.#over) void this.#endAtLimit(error);
    // Another process has taken the session over. The client finds it there.
    else this.#leave(error.code === "fenced" ? RESTARTING : error.closeCode, error);
  }

  superseded(): void {
    this.#over = true;
    this.#endSpan("superseded");
    this.port?.close(SUPERSEDED, "Superseded: a newer connection continues the session.");
    // The old connection may be half-open and never answer.
    this.#terminateTimer = setTimeout(() => this.port?.terminate(), this.service.limits.shutdownTimeoutMs);
  }

  protected override begin(port: SocketPort): void {
    void this.#start(port).catch((error: unknown) => {
      const failure = StreamError.from(error);
      // The session ended while this connection was being made. A client that reconnects gets that before any upgrade.
      this.#leave(failure.code === "gone" ? RESTARTING : failure.closeCode, failure);
    });
  }

  protected override receive(bytes: Uint8Array, text: boolean): void {
    if (this.#over) return;
    this.#idleTimeout?.heard();
    try {
      if (!this.#started)
        throw new StreamError("protocol", "The client must not send anything before the server has sent start.");
      if (!text) this.#take(bytes);
      else if (controlType(bytes) === "end") void this.#complete();
    } catch (error) {
      const failure = StreamError.from(error);
      this.#leave(failure.closeCode, failure);
    }
  }

  protected override refuse(error: StreamError): void {
    this.#leave(error.closeCode, error);
  }

  protected override restart(): void {
    this.#leave(RESTARTING, restartingError());
  }

  protected override end(): void {
    this.#over = true;
    clearTimeout(this.#terminateTimer);
    clearTimeout(this.#ackLater);
    this.#idleTimeout?.stop();
    this.#endSpan("lost");
    this.#session.detach(this);
    // No client has received the token, so no client can resume the session.
    if (this.#isFirst && !this.#started) {
      const error = new StreamError("lost", "The appender has left before its append began.");
      void this.#session.end("lost", this.port === undefined, error);
    }
  }

  async #start(port: SocketPort): Promise<void> {
    const offset = await this.#session.attach(this);
    if (this.#over) return;
    this.#started = true;
    this.#acked = offset;
    this.#span = new LogSpan(
      this.service,
      this.#subject,
      { type: "append", transport: "websocket", offset },
      () => this.#session.offset,
      this.result,
    );
    const { windowBytes, idleTimeoutMs } = this.service.limits;
    this.#idleTimeout = new IdleTimeout(
      idleTimeoutMs,
      (error) => this.#cutOff(error),
      () => this.#session.queued > 0,
    );
    const { generation } = this.#session;
    port.send(controlFrame({ type: "start", offset, generation, session: this.#token, window: windowBytes }));
  }

  #ack(): void {
    clearTimeout(this.#ackLater);
    this.#ackLater = undefined;
    this.#acked = this.#stored;
    this.#ackedMs = performance.now();
    this.port?.send(controlFrame({ type: "ack", offset: this.#stored }));
  }

  #take(bytes: Uint8Array): void {
    const { windowBytes } = this.service.limits;
    if (this.#session.queued + bytes.length > windowBytes) throw windowExceeded(windowBytes);
    this.#session.push(this, bytes);
  }

  async #complete(): Promise<void> {
    this.#over = true;
    const { size, reason } = await this.#session.end("complete");
    const { error } = this.#session;
    this.#endSpan(error?.code ?? reason);
    if (reason === "complete") {
      await this.#sayEnd(size);
      this.port?.close(1000, "");
    } else if (reason === "restarting") {
      this.port?.close(RESTARTING, this.reasonOf(restartingError()));
    } else if (error?.code === "limit") {
      await this.#sayEnd(size, "limit");
      this.port?.close(error.closeCode, this.reasonOf(error));
    } else {
      const failure = error ?? new StreamError("storage", "The append has ended, but not all of it is stored.");
      this.port?.close(failure.closeCode, this.reasonOf(failure));
    }
  }

  /** Informs the client that nothing more is stored, and that it need not try again. */
  async #endAtLimit(error: StreamError): Promise<void> {
    this.#over = true;
    this.#endSpan(error.code);
    this.#session.detach(this);
    await this.#sayEnd(this.#session.offset, "limit");
    this.port?.close(error.closeCode, this.reasonOf(error));
  }

  async #sayEnd(size: number, reason?: "limit"): Promise<void> {
    this.#stored = size;
    this.#ack();
    this.port?.send(controlFrame({ type: "end", offset: size, ...(reason && { reason }) }));
    await this.port?.drained(0);
  }

  /** Ends the session with the connection: an idle appender must not resume it and keep the path. */
  #cutOff(error: StreamError): void {
    this.#leave(error.closeCode, error);
    void this.#session.end("lost", false, error);
  }

  /** Ends the connection. The session waits for the next one, unless it has ended itself. */
  #leave(code: number, error: StreamError): void {
    if (this.#over) return;
    this.#over = true;
    this.#endSpan(error.code);
    this.#session.detach(this);
    this.port?.close(code, this.reasonOf(error));
  }

  #endSpan(reason: string): void {
    this.#span?.end(this.#session.offset, reason);
    this.#span = undefined;
  }
}
