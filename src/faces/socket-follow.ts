/**
 * Following over a WebSocket: everything stored, then what comes.
 * @module
 */
import { StreamError } from "../core/errors.ts";
import { type FollowEnd, Follower } from "../core/follower.ts";
import type { Hold } from "../core/hub.ts";
import { parseStart, resolveStart } from "../core/offset.ts";
import { PROTOCOL } from "../core/subprotocol.ts";
import { offersV1 } from "./control.ts";
import { type Dialect, type DialectName, speak } from "./dialect.ts";
import type { SocketPort } from "./platform.ts";
import { closeReason } from "./respond.ts";
import { type Exchange, journal, type Service, type Subject } from "./service.ts";
import { SocketSession } from "./socket-session.ts";

/**
 * Upgrades a follower of a path that has an appender.
 *
 * @throws {StreamError} `range`, `bad_request`, `restarting`, before any upgrade.
 */
export async function followOverSocket(service: Service, exchange: Exchange, hold: Hold): Promise<Response> {
  const { c, platform } = exchange;
  const { offset, tail } = c.req.query();
  const start = resolveStart(parseStart(offset, tail), hold.source.size);
  const dialect = offersV1(c) ? PROTOCOL : "classic";
  const session = new SocketFollow(service, exchange, hold, { start, dialect });
  try {
    const protocol = dialect === PROTOCOL ? { protocol: PROTOCOL } : {};
    return await platform.upgrade(c, session, { mayBeSilent: false, ...protocol });
  } catch (error) {
    session.closed();
    throw error;
  }
}

/** One follower. */
class SocketFollow extends SocketSession {
  readonly #subject: Subject;
  readonly #hold: Hold;
  readonly #start: number;
  readonly #dialect: DialectName;
  #follower: Follower | undefined;
  #stopBeating: (() => void) | undefined;

  constructor(service: Service, exchange: Exchange, hold: Hold, how: { start: number; dialect: DialectName }) {
    super(service);
    this.#subject = exchange.subject;
    this.#hold = hold;
    this.#start = how.start;
    this.#dialect = how.dialect;
  }

  protected override begin(port: SocketPort): void {
    const { store, limits } = this.service;
    const dialect = speak(this.#dialect, port);
    dialect.begin(this.#start);
    const follower = new Follower({ store, channel: this.#hold.source, sink: dialect, limits, offset: this.#start });
    this.#follower = follower;
    if (dialect.beat) this.#stopBeating = this.service.heartbeats.add(beating(dialect, follower));
    void this.#run(port, dialect, follower);
  }

  protected override receive(): void {
    // What a follower says means nothing here, beyond that it is alive.
  }

  protected override restart(): void {
    this.#follower?.stop();
  }

  protected override end(): void {
    this.#follower?.stop();
    this.#stopBeating?.();
    this.#hold.leave();
  }

  async #run(port: SocketPort, dialect: Dialect, follower: Follower): Promise<void> {
    const begin = { type: "follow", transport: "websocket", offset: this.#start } as const;
    const finished = journal(this.service, this.#subject, begin);
    let ended: FollowEnd;
    let failure: StreamError | undefined;
    try {
      ended = await follower.run();
    } catch (thrown) {
      ended = "lost";
      failure = StreamError.from(thrown, "storage");
    }
    if (ended === "restarting" || (ended === "gone" && this.service.hub.closing)) {
      failure = new StreamError("restarting", "The server is restarting. Come back in a moment, at your offset.");
    }
    this.#stopBeating?.();
    finished({ offset: follower.offset, reason: failure?.code ?? ended });
    if (!failure && ended !== "gone" && ended !== "restarting") dialect.end(follower.offset, ended);
    // A closing handshake has a deadline; a slow reader first gets all the time it needs for the last bytes.
    await port.drained(0);
    port.close(failure?.closeCode ?? 1000, closeReason(failure?.message ?? ""));
  }
}

/** A follower's heartbeats: none while its offset moves. */
function beating(dialect: Dialect, follower: Follower): { busy: boolean; beat(): void } {
  let beatenAt = -1;
  return {
    get busy() {
      return follower.offset !== beatenAt;
    },
    set busy(_) {
      beatenAt = follower.offset;
    },
    beat: () => dialect.beat?.(follower.offset),
  };
}
