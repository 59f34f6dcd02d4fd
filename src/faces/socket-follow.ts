/**
 * Following over a classic WebSocket: everything stored, then what comes, as text frames.
 * @module
 */
import type { Channel } from "../core/channel.ts";
import { StreamError } from "../core/errors.ts";
import { Follower, type Sink } from "../core/follower.ts";
import { parseStart, resolveStart } from "../core/offset.ts";
import type { SocketPort } from "./platform.ts";
import { closeReason } from "./respond.ts";
import { type Exchange, journal, type Service } from "./service.ts";
import { SocketSession } from "./socket-session.ts";

/**
 * Upgrades a follower of a path that has an appender.
 *
 * @throws {StreamError} `range`, `bad_request`, `restarting`, before any upgrade.
 */
export async function followOverSocket(service: Service, exchange: Exchange, channel: Channel): Promise<Response> {
  const { c, platform } = exchange;
  const { offset, tail } = c.req.query();
  const start = resolveStart(parseStart(offset, tail), channel.size);
  const session = new SocketFollow(service, exchange, channel, start);
  try {
    return await platform.upgrade(c, session, { mayBeSilent: false });
  } catch (error) {
    session.closed();
    throw error;
  }
}

/** One classic follower. */
class SocketFollow extends SocketSession {
  readonly #exchange: Exchange;
  readonly #channel: Channel;
  readonly #start: number;
  #follower: Follower | undefined;

  constructor(service: Service, exchange: Exchange, channel: Channel, start: number) {
    super(service);
    this.#exchange = exchange;
    this.#channel = channel;
    this.#start = start;
  }

  protected override begin(port: SocketPort): void {
    const { store, limits } = this.service;
    const sink = new TextSink(port);
    this.#follower = new Follower({ store, channel: this.#channel, sink, limits, offset: this.#start });
    void this.#run(port, this.#follower);
  }

  protected override receive(): void {
    // What a follower says means nothing here, beyond that it is alive.
  }

  protected override restart(): void {
    this.#follower?.stop();
  }

  protected override end(): void {
    this.#follower?.stop();
  }

  async #run(port: SocketPort, follower: Follower): Promise<void> {
    const begin = { type: "follow", transport: "websocket", offset: this.#start } as const;
    const finished = journal(this.service, this.#exchange, begin);
    let reason: string;
    let code = 1000;
    let message = "";
    try {
      reason = await follower.run();
      if (this.service.hub.closing || reason === "restarting") {
        reason = "restarting";
        code = 1012;
        message = "The server is shutting down. Come back in a moment.";
      }
    } catch (thrown) {
      ({ code: reason, closeCode: code, message } = StreamError.from(thrown, "storage"));
    }
    finished({ offset: follower.offset, reason });
    // A closing handshake has a deadline; a slow reader first gets all the time it needs for the last bytes.
    await port.drained(0);
    port.close(code, closeReason(message));
  }
}

/** A WebSocket that takes text frames only, as the original's followers do. */
class TextSink implements Sink {
  readonly text = true;
  readonly #port: SocketPort;

  constructor(port: SocketPort) {
    this.#port = port;
  }

  get pending(): number {
    return this.#port.pending;
  }

  send(frame: Parameters<Sink["send"]>[0]): void {
    this.#port.send(frame);
  }

  drained(bytes: number): Promise<void> {
    return this.#port.drained(bytes);
  }
}
