/**
 * Following over a WebSocket: everything stored, then what is appended.
 * @module
 */

import { type FollowEnd, Follower } from "../../engine/follow/follower.ts";
import type { FollowLease } from "../../engine/sessions/follow-lease.ts";
import { StreamError } from "../../protocol/errors.ts";
import { checkGeneration } from "../../protocol/generation.ts";
import { resolveStart } from "../../protocol/offset.ts";
import { FOLLOWER_LIMITS, type MessageLimits } from "../platform/message-limits.ts";
import type { SocketPort } from "../platform/platform.ts";
import type { ReadParameters } from "../request/read-parameters.ts";
import { LogSpan } from "../service/log-span.ts";
import { type Exchange, type Service, type Subject, upgrade } from "../service/service.ts";
import type { HeartbeatTarget } from "../timers/heartbeats.ts";
import { SocketConnection } from "./connection.ts";
import { CLASSIC, type Dialect, offersV1, V1 } from "./dialect.ts";

/**
 * Upgrades a follower of a path that has an appender.
 *
 * @throws {StreamError} `replaced`, `range`, `bad_request`, `restarting`; all before the upgrade.
 */
export async function followOverSocket(
  service: Service,
  exchange: Exchange,
  lease: FollowLease,
  { start: wanted, generation }: ReadParameters,
): Promise<Response> {
  checkGeneration(exchange.subject.path, generation, lease.source.generation);
  const start = resolveStart(wanted, lease.source.size);
  const dialect = offersV1(exchange.c) ? V1 : CLASSIC;
  const connection = new SocketFollow(service, exchange, lease, { start, dialect });
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
  readonly #lease: FollowLease;
  readonly #start: number;
  readonly #dialect: Dialect;
  #follower: Follower | undefined;
  #refusal: StreamError | undefined;
  #span: LogSpan | undefined;

  constructor(service: Service, exchange: Exchange, lease: FollowLease, how: { start: number; dialect: Dialect }) {
    super(service, exchange);
    this.#subject = exchange.subject;
    this.#lease = lease;
    this.#start = how.start;
    this.#dialect = how.dialect;
  }

  protected override begin(port: SocketPort): void {
    const { store, limits } = this.service;
    const { text, begin, beat } = this.#dialect;
    begin?.(port, this.#start, this.#lease.source.generation);
    const follower = new Follower({ store, from: this.#lease, sink: port, text, limits, offset: this.#start });
    this.#follower = follower;
    if (beat) this.service.heartbeats.add(this);
    const offset = this.#start;
    this.#span = new LogSpan(this.service, this.#subject, { type: "follow", transport: "websocket", offset });
    follower.run().then(
      (reason) => this.#ended(port, follower, reason),
      (thrown: unknown) => {
        const error = StreamError.from(thrown, "storage");
        this.service.operator.failedIfFault(this.#subject.path, error);
        return this.#ended(port, follower, "lost", error);
      },
    );
  }

  get messageLimits(): MessageLimits {
    return FOLLOWER_LIMITS;
  }

  /** The offset that it has reached. */
  get offset(): number {
    return this.#follower?.offset ?? this.#start;
  }

  /** Tells the client that nothing is new and the connection is alive. */
  beat(): void {
    if (this.port) this.#dialect.beat?.(this.port, this.offset);
  }

  protected override receive(): void {
    // A follower's message only shows that it is alive, which the caller has noted.
  }

  protected override refuse(error: StreamError): void {
    if (this.#refusal) return;
    this.#refusal = error;
    this.#follower?.stop();
    // Close at once: the peer need not have read what was sent.
    this.port?.close(error.closeCode, this.reasonOf(error));
  }

  protected override restart(): void {
    this.#follower?.stop();
  }

  protected override end(): void {
    this.#follower?.stop();
    this.service.heartbeats.remove(this);
    this.#lease.leave();
  }

  async #ended(port: SocketPort, follower: Follower, ended: FollowEnd, error?: StreamError): Promise<void> {
    let failure = error ?? this.#refusal;
    if (ended === "restarting" || (ended === "gone" && this.service.registry.closing)) {
      failure = new StreamError("restarting", "The server is restarting. Reconnect in a moment, at your offset.");
    }
    this.service.heartbeats.remove(this);
    this.#span?.end(follower.offset, failure?.code ?? ended);
    if (!failure && ended !== "gone" && ended !== "restarting") this.#dialect.end?.(port, follower.offset, ended);
    // A closing handshake has a deadline, so a slow reader first gets all the time that it needs for the last bytes.
    await this.settled(port);
    port.close(failure?.closeCode ?? 1000, failure ? this.reasonOf(failure) : "");
  }
}
