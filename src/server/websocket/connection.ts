/**
 * The parts that all WebSockets of a server share, from before their upgrade until their end.
 * @module
 */
import type { StreamError } from "../../protocol/errors.ts";
import type { MessageLimits } from "../platform/message-limits.ts";
import type { SocketHandler, SocketPort } from "../platform/platform.ts";
import type { ConnectionSlot } from "../service/connection-limiter.ts";
import type { MountedPath } from "../service/mount-path.ts";
import type { RequestResult } from "../service/request-result.ts";
import { closeReason } from "../service/respond.ts";
import type { Exchange, Service } from "../service/service.ts";
import { hasEnded, permissionEnded, whenExpired } from "../timers/expiry.ts";
import type { Watch } from "../timers/liveness.ts";

/** Owns one connection: its upgrade deadline, its pings, its end at a shutdown. */
export abstract class SocketConnection implements SocketHandler {
  abstract readonly messageLimits: MessageLimits;
  protected readonly service: Service;
  /** What became of the request. */
  protected readonly result: RequestResult;
  /** The connection, once it is open. */
  protected port: SocketPort | undefined;
  #watch: Watch | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #at: MountedPath;
  readonly #expiresAtMs: number | undefined;
  #stopExpiry: (() => void) | undefined;
  #closed = false;
  /** Whether its permission ended before it was open. */
  #isTooLate = false;
  /** Set while a shutdown waits for the end of the connection. */
  #gone: (() => void) | undefined;
  readonly #forget: () => void;
  readonly #slot: ConnectionSlot | undefined;

  /** @throws {StreamError} `restarting` if the server is shutting down. */
  constructor(service: Service, { subject: { path }, details: { base, scope }, result, access, slot }: Exchange) {
    this.service = service;
    this.result = result;
    result.open();
    this.#at = { path, base, scope };
    this.#expiresAtMs = access?.expiresAtMs;
    this.#forget = service.registry.onClose(() => this.#shutDown());
    this.#slot = slot;
    if (slot) slot.isKept = true;
    // A client may never complete an accepted upgrade; the resources claimed for it must still be released.
    this.#timer = setTimeout(() => this.closed(), service.limits.upgradeTimeoutMs);
  }

  /** The close reason for an error. */
  protected reasonOf(error: StreamError): string {
    return closeReason(error.message, { ...this.#at, other: error.path });
  }

  /** Called when the connection is open. */
  protected abstract begin(port: SocketPort): void;
  /** Called for each data frame of the peer. */
  protected abstract receive(bytes: Uint8Array, text: boolean): void;
  /** Called when the peer sent something unacceptable: end with the error's code. May be called more than once. */
  protected abstract refuse(error: StreamError): void;
  /** Called when the server shuts down: end with 1012. */
  protected abstract restart(): void;
  /** Called once, when the connection is gone or was never made. */
  protected abstract end(): void;

  opened(port: SocketPort): void {
    if (this.#closed) {
      port.terminate();
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.port = port;
    this.#watch = this.service.liveness.watch(port);
    const { path = "" } = this.#at;
    // A client may take its time for the upgrade.
    if (hasEnded(this.#expiresAtMs)) {
      const error = permissionEnded(path);
      this.#isTooLate = true;
      this.#dropLater();
      port.close(error.closeCode, this.reasonOf(error));
      return;
    }
    this.begin(port);
    if (this.#expiresAtMs === undefined) return;
    this.#stopExpiry = whenExpired(this.#expiresAtMs, () => {
      this.#dropLater();
      this.refuse(permissionEnded(path));
    });
  }

  /**
   * Resolves when the peer has read everything and the connection can be closed without loss, as far as pings show.
   */
  protected async settled(port: SocketPort): Promise<void> {
    await port.drained(0);
    await this.#watch?.settled();
  }

  message(bytes: Uint8Array, text: boolean): void {
    this.#watch?.heard(false);
    if (this.#closed || this.#isTooLate) return;
    const limit = text ? this.messageLimits.text : this.messageLimits.binary;
    if (bytes.length > limit.bytes) this.refuse(limit.refusal());
    else this.receive(bytes, text);
  }

  refused(error: StreamError): void {
    if (!this.#closed && !this.#isTooLate) this.refuse(error);
  }

  ponged(): void {
    this.#watch?.heard(true);
  }

  closed(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watch?.stop();
    this.#stopExpiry?.();
    this.#forget();
    this.#slot?.leave();
    this.end();
    this.result.closed();
    this.#gone?.();
  }

  async #shutDown(): Promise<void> {
    if (!this.port || this.#closed) return this.closed();
    this.#dropLater();
    const gone = new Promise<void>((resolve) => {
      this.#gone = resolve;
    });
    this.restart();
    await gone;
  }

  /**
   * Drops the connection unless it ends soon: a peer that neither reads nor answers must not delay its end, even where a
   * socket cannot be terminated.
   */
  #dropLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.port?.terminate();
      this.closed();
    }, this.service.limits.shutdownTimeoutMs);
  }
}
