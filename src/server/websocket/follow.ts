/**
 * Following over a WebSocket: everything stored, then what is appended.
 * @module
 */

import type { Follow, FollowListener } from "../../engine/follow/follow.ts";
import type { FollowEnd } from "../../engine/follow/follower.ts";
import { StreamError } from "../../protocol/errors.ts";
import { FOLLOWER_LIMITS, type MessageLimits } from "../platform/message-limits.ts";
import type { SocketPort } from "../platform/platform.ts";
import { LogSpan } from "../service/log-span.ts";
import { type Exchange, type Service, type Subject, upgrade } from "../service/service.ts";
import type { HeartbeatTarget } from "../timers/heartbeats.ts";
import { SocketConnection } from "./connection.ts";
import { CLASSIC, type Dialect, offersV1, V1 } from "./dialect.ts";

/**
 * Upgrades a follower.
 *
 * @param follow What to send. It is left when the connection has ended.
 * @throws {StreamError} `bad_request`, `restarting`; all before the upgrade.
 */
export async function followOverSocket(service: Service, exchange: Exchange, follow: Follow): Promise<Response> {
  const dialect = offersV1(exchange.c) ? V1 : CLASSIC;
  const connection = new SocketFollow(service, exchange, follow, dialect);
  try {
    const { protocol } = dialect;
    return await upgrade(exchange, connection, { mayBeSilent: false, ...(protocol === undefined ? {} : { protocol }) });
  } catch (error) {
    connection.closed();
    throw error;
  }
}

/** One follower. */
class SocketFollow extends SocketConnection implements HeartbeatTarget {
  readonly #subject: Subject;
  readonly #follow: Follow;
  readonly #dialect: Dialect;
  #refusal: StreamError | undefined;
  #span: LogSpan | undefined;

  constructor(service: Service, exchange: Exchange, follow: Follow, dialect: Dialect) {
    super(service, exchange);
    this.#subject = exchange.subject;
    this.#follow = follow;
    this.#dialect = dialect;
  }

  protected override begin(port: SocketPort): void {
    const { begin, beat } = this.#dialect;
    const { start, content } = this.#follow;
    begin?.(port, start, content.generation);
    if (beat) this.service.heartbeats.add(this);
    this.#span = new LogSpan(
      this.service,
      this.#subject,
      { type: "follow", transport: "websocket", offset: start },
      () => this.offset,
      this.result,
    );
    this.#follow.run(port, listenerOf(port, this.#dialect)).then(
      (reason) => this.#ended(port, reason),
      (thrown: unknown) => {
        const error = StreamError.from(thrown, "storage");
        this.service.reporter.failedIfFault(this.#subject.path, error);
        return this.#ended(port, "lost", error);
      },
    );
  }

  get messageLimits(): MessageLimits {
    return FOLLOWER_LIMITS;
  }

  /** The offset that it has reached. */
  get offset(): number {
    return this.#follow.offset;
  }

  /** Informs the client that nothing is new and the connection is alive. */
  beat(): void {
    if (this.port) this.#dialect.beat?.(this.port, this.offset);
  }

  protected override receive(): void {
    // A follower's message only shows that it is alive, which the caller has noted.
  }

  protected override refuse(error: StreamError): void {
    if (this.#refusal) return;
    this.#refusal = error;
    this.#follow.stop();
    // Close at once: the peer need not have read what was sent.
    this.port?.close(error.closeCode, this.reasonOf(error));
  }

  protected override restart(): void {
    this.#follow.stop();
  }

  protected override end(): void {
    this.#follow.stop();
    this.service.heartbeats.remove(this);
    this.#follow.leave();
  }

  async #ended(port: SocketPort, ended: FollowEnd, error?: StreamError): Promise<void> {
    let failure = error ?? this.#refusal;
    if (ended === "restarting" || (ended === "gone" && this.service.registry.closing)) {
      failure = new StreamError("restarting", "The server is restarting. Reconnect in a moment, at your offset.");
    }
    this.service.heartbeats.remove(this);
    this.#span?.end(this.offset, failure?.code ?? ended, failure);
    if (!failure && ended !== "gone" && ended !== "restarting") {
      this.#dialect.end?.(port, this.offset, ended, this.#follow.isClosed === true);
    }
    // A closing handshake has a deadline, so a slow reader first gets all the time that it needs for the last bytes.
    await this.settled(port);
    port.close(failure?.closeCode ?? 1000, failure ? this.reasonOf(failure) : "");
  }
}

function listenerOf(port: SocketPort, { text, begin, idle }: Dialect): FollowListener {
  return {
    text,
    ...(begin && { started: (offset, generation) => begin(port, offset, generation) }),
    ...(idle && { idle: (offset, reason) => idle(port, offset, reason) }),
  };
}
