/**
 * Appending over a classic WebSocket: every data frame is raw bytes.
 * @module
 */

import type { AppendOwner } from "../../engine/append/append-slot.ts";
import type { Admission } from "../../engine/append/registry.ts";
import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { classicLimits, type MessageLimits } from "../platform/message-limits.ts";
import { type AppendParameters, withoutSession } from "../request/append-parameters.ts";
import { LogSpan } from "../service/log-span.ts";
import { type Exchange, type Service, upgrade } from "../service/service.ts";
import { IdleTimeout } from "../timers/idle-timeout.ts";
import { SocketConnection } from "./connection.ts";

/**
 * Admits an appender and upgrades its connection.
 *
 * @throws {StreamError} `upgrade_required` for the Go program where text frames cannot be kept, `bad_request`,
 * `conflict`, and any other error of claiming the path; all before the upgrade.
 */
export async function appendOverSocket(
  service: Service,
  exchange: Exchange,
  parameters: AppendParameters,
): Promise<Response> {
  refuseGoProgram(exchange);
  const { path, peer, requestId } = exchange.subject;
  const admission = await service.registry.admit(path, { ...withoutSession(parameters), peer, requestId });
  let connection: ClassicAppender | undefined;
  try {
    // Throws if a shutdown has begun meanwhile.
    connection = new ClassicAppender(service, exchange, admission);
    admission.connect(connection);
    return await upgrade(exchange, connection, { mayBeSilent: true });
  } catch (error) {
    connection?.closed();
    await admission.end("lost", true);
    throw error;
  }
}

/**
 * Refuses the Go program where text frames cannot be kept. It asks with the `X-Verb` header, sends arbitrary bytes in
 * text frames, and treats any close as success, so it must be refused before the upgrade.
 */
function refuseGoProgram({ c, platform, subject: { path } }: Exchange): void {
  if (platform.supportsRawText || !c.req.header("X-Verb")) return;
  const message =
    "Text frames can't be kept byte for byte on this server. " +
    "Append with the subprotocol httpfstream.v1, or over HTTP with POST or PUT.";
  throw new StreamError("upgrade_required", message, { path, headers: { Upgrade: "websocket" } });
}

/** One classic appender. */
class ClassicAppender extends SocketConnection implements AppendOwner {
  readonly messageLimits: MessageLimits;
  readonly #acceptsText: boolean;
  readonly #admission: Admission;
  readonly #span: LogSpan;
  #error: StreamError | undefined;
  #ending = false;
  #idleTimeout: IdleTimeout | undefined;

  constructor(service: Service, exchange: Exchange, admission: Admission) {
    super(service, exchange);
    this.messageLimits = classicLimits(service.limits);
    this.#acceptsText = exchange.platform.acceptsText;
    this.#admission = admission;
    const offset = admission.batcher.channel.size;
    this.#span = new LogSpan(
      service,
      exchange.subject,
      { type: "append", transport: "websocket", offset },
      () => admission.batcher.channel.size,
      exchange.result,
    );
  }

  /** A batch has been stored. */
  stored(): void {
    if (!this.port?.paused || this.#admission.batcher.queued > this.service.limits.appenderQueueBytes / 2) return;
    this.#idleTimeout?.heard();
    this.port.resume?.();
  }

  /**
   * Whether the connection is closing, so that no more data can arrive. If so, ends the append without waiting for the
   * connection to be gone.
   */
  endIfLeft(): boolean {
    if (!this.port?.closing) return false;
    void this.#finish("complete");
    return true;
  }

  /** Ends the append early: storing failed, or the appender sent something that cannot be kept. */
  failed(error: StreamError): void {
    this.#error ??= error;
    void this.#finish(error.code === "restarting" ? "restarting" : "lost");
  }

  protected override begin(): void {
    // The append may have ended while the upgrade was under way.
    if (this.#error) {
      this.#close(this.#error);
      return;
    }
    const { idleTimeoutMs } = this.service.limits;
    this.#idleTimeout = new IdleTimeout(
      idleTimeoutMs,
      (error) => this.failed(error),
      () => this.port?.paused === true,
    );
  }

  protected override receive(bytes: Uint8Array, text: boolean): void {
    if (this.#ending) return;
    this.#idleTimeout?.heard();
    try {
      this.#checkKind(text);
    } catch (error) {
      this.failed(StreamError.from(error));
      return;
    }
    const { batcher } = this.#admission;
    const { appenderQueueBytes, appenderOverloadBytes } = this.service.limits;
    batcher.push(bytes);
    if (batcher.queued > appenderQueueBytes && this.port?.pause && !this.port.paused) {
      this.port.pause();
    } else if (batcher.queued > appenderOverloadBytes) {
      this.failed(new StreamError("overloaded", "The bytes arrive faster than they can be stored. Send more slowly."));
    }
  }

  #checkKind(text: boolean): void {
    if (!text || this.#acceptsText) return;
    throw new StreamError(
      "not_text",
      "Text frames can't be kept byte for byte here: send binary frames, or use httpfstream.v1.",
    );
  }

  protected override refuse(error: StreamError): void {
    this.failed(error);
  }

  protected override restart(): void {
    this.failed(new StreamError("restarting", "The server is shutting down. Try again in a moment."));
  }

  /** A classic append normally ends when the appender drops the connection. */
  protected override end(): void {
    void this.#finish("complete");
  }

  async #finish(reason: EndReason): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.#idleTimeout?.stop();
    const { size } = await this.#admission.end(reason, this.port === undefined, this.#error);
    const error = this.#error ?? this.#admission.batcher.error;
    this.#span.end(size, error?.code ?? reason);
    if (error) this.#close(error);
  }

  #close(error: StreamError): void {
    // A paused connection would never receive the answer to the close frame.
    this.port?.resume?.();
    this.port?.close(error.closeCode, this.reasonOf(error));
  }
}
