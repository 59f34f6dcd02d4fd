/**
 * The two ways in which a WebSocket follower is spoken to.
 * @module
 */
import type { Sink } from "../core/follower.ts";
import type { Frame } from "../core/frame.ts";
import type { EndReason } from "../core/store.ts";
import { PROTOCOL } from "../core/subprotocol.ts";
import { controlFrame } from "./control.ts";
import type { SocketPort } from "./platform.ts";

/** A follower's connection as a sink, and what is said around the data. */
export interface Dialect extends Sink {
  /** Said before the first data frame. */
  begin(offset: number): void;
  /** Said after the last one. */
  end(offset: number, reason: EndReason): void;
  /** Said in between, when it has been quiet for long; only where the other side knows what it means. */
  beat?(offset: number): void;
}

/** The subprotocol to echo for a dialect. */
export type DialectName = typeof PROTOCOL | "classic";

/** The dialect of a connection. */
export function speak(name: DialectName, port: SocketPort): Dialect {
  return name === PROTOCOL ? new V1(port) : new Classic(port);
}

abstract class PortSink {
  abstract readonly text: boolean;
  protected readonly port: SocketPort;

  constructor(port: SocketPort) {
    this.port = port;
  }

  get pending(): number {
    return this.port.pending;
  }

  send(frame: Frame): void {
    this.port.send(frame);
  }

  drained(bytes: number): Promise<void> {
    return this.port.drained(bytes);
  }
}

/** As the original: text frames with data, and nothing else. */
class Classic extends PortSink implements Dialect {
  readonly text = true;

  begin(): void {
    // Its first word is data.
  }

  end(): void {
    // The close code says it all.
  }
}

/** `httpfstream.v1`: binary frames with data, text frames with control messages. */
class V1 extends PortSink implements Dialect {
  readonly text = false;

  begin(offset: number): void {
    this.port.send(controlFrame({ type: "start", offset }));
  }

  beat(offset: number): void {
    this.port.send(controlFrame({ type: "heartbeat", offset }));
  }

  end(offset: number, reason: EndReason): void {
    this.port.send(controlFrame({ type: "end", offset, reason }));
  }
}
