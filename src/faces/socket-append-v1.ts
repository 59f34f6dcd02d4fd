/**
 * Appending with `httpfstream.v1`: acknowledged, resumable, exactly once.
 * @module
 */

import { StreamError } from "../core/errors.ts";
import { parseOffset } from "../core/offset.ts";
import type { AppendSession, SessionConnection } from "../core/session.ts";
import { PROTOCOL, SUPERSEDED } from "../core/subprotocol.ts";
import { controlFrame, controlType } from "./control.ts";
import type { SocketPort } from "./platform.ts";
import { closeReason } from "./respond.ts";
import { type Exchange, journal, type Service } from "./service.ts";
import { SocketSession } from "./socket-session.ts";

/**
 * Opens or resumes an append session and upgrades its connection.
 *
 * @throws {StreamError} `conflict`, `precondition_failed`, `gone`, `bad_request`, and what claiming the path meets,
 * before any upgrade.
 */
export async function appendWithSession(service: Service, exchange: Exchange): Promise<Response> {
  const { c, path, platform } = exchange;
  const { session: given, offset } = c.req.query();
  const size = given === undefined && offset !== undefined ? parseOffset("offset", offset) : undefined;
  const { session, token } =
    given === undefined
      ? await service.sessions.open(path, size)
      : { session: await service.sessions.resume(path, given), token: given };
  const connection = new SessionAppend(service, exchange, session, token);
  try {
    return await platform.upgrade(c, connection, { mayBeSilent: false, protocol: PROTOCOL });
  } catch (error) {
    connection.closed();
    throw error;
  }
}

/** One connection of a session. */
class SessionAppend extends SocketSession implements SessionConnection {
  readonly #exchange: Exchange;
  readonly #session: AppendSession;
  readonly #token: string;
  /** Whether the session is attached and `start` has been said. */
  #started = false;
  #over = false;
  #impatience: ReturnType<typeof setTimeout> | undefined;
  #finished: ((end: { offset: number; reason: string }) => void) | undefined;

  constructor(service: Service, exchange: Exchange, session: AppendSession, token: string) {
    super(service);
    this.#exchange = exchange;
    this.#session = session;
    this.#token = token;
  }

  stored(offset: number): void {
    if (this.#started) this.port?.send(controlFrame({ type: "ack", offset }));
  }

  failed(error: StreamError): void {
    // Another process goes on with the session: the client finds it there.
    this.#leave(error.code === "fenced" ? 1012 : error.closeCode, error);
  }

  superseded(): void {
    this.#over = true;
    this.#journalEnd("superseded");
    this.port?.close(SUPERSEDED, "Superseded: the session goes on with a newer connection.");
    // It may be half-open, and never answer.
    this.#impatience = setTimeout(() => this.port?.terminate(), this.service.limits.shutdownTimeoutMs);
  }

  protected override begin(port: SocketPort): void {
    void this.#start(port).catch((error: unknown) => {
      const failure = StreamError.from(error);
      this.#leave(failure.closeCode, failure);
    });
  }

  protected override receive(bytes: Uint8Array, text: boolean): void {
    if (this.#over) return;
    try {
      if (!this.#started) throw new StreamError("protocol", "Nothing may be sent before the server has said start.");
      if (!text) this.#take(bytes);
      else if (controlType(bytes) === "end") void this.#complete();
    } catch (error) {
      const failure = StreamError.from(error);
      this.#leave(failure.closeCode, failure);
    }
  }

  protected override restart(): void {
    this.#leave(
      1012,
      new StreamError("restarting", "The server is restarting. Come back in a moment, with your session."),
    );
  }

  protected override end(): void {
    this.#over = true;
    clearTimeout(this.#impatience);
    this.#journalEnd("lost");
    this.#session.detach(this);
  }

  async #start(port: SocketPort): Promise<void> {
    const offset = await this.#session.attach(this);
    if (this.#over) return;
    this.#started = true;
    this.#finished = journal(this.service, this.#exchange, { type: "append", transport: "websocket", offset });
    const { windowBytes } = this.service.limits;
    port.send(controlFrame({ type: "start", offset, session: this.#token, window: windowBytes }));
  }

  #take(bytes: Uint8Array): void {
    if (this.#session.queued + bytes.length > this.service.limits.windowBytes) {
      throw new StreamError(
        "protocol",
        `More than the window of ${this.service.limits.windowBytes} bytes is in flight.`,
      );
    }
    this.#session.push(this, bytes);
  }

  async #complete(): Promise<void> {
    this.#over = true;
    const { size } = await this.#session.end("complete");
    this.#journalEnd("complete");
    this.port?.send(controlFrame({ type: "ack", offset: size }));
    this.port?.send(controlFrame({ type: "end", offset: size }));
    await this.port?.drained(0);
    this.port?.close(1000, "");
  }

  /** Ends the connection; the session waits for the next one, unless it is over itself. */
  #leave(code: number, error: StreamError): void {
    if (this.#over) return;
    this.#over = true;
    this.#journalEnd(error.code);
    this.#session.detach(this);
    this.port?.close(code, closeReason(error.message));
  }

  #journalEnd(reason: string): void {
    this.#finished?.({ offset: this.#session.offset, reason });
    this.#finished = undefined;
  }
}
