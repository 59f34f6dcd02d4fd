/**
 * Appending over plain HTTP: a request body is appended as it arrives. `curl -T -` is an appender.
 * @module
 */
import type { Appender } from "../core/appender.ts";
import type { Outcome } from "../core/channel.ts";
import { StreamError } from "../core/errors.ts";
import type { Admission, Closer, Hub } from "../core/hub.ts";
import type { Limits } from "../core/limits.ts";
import { formatOffset, NEXT_OFFSET_HEADER } from "../core/offset.ts";
import type { EndReason } from "../core/store.ts";
import { Idleness } from "./idleness.ts";
import { answered, type Exchange, journal, type Service } from "./service.ts";

/**
 * Appends the request's body, and answers when it has ended and is stored.
 *
 * @throws {StreamError} `conflict`, `restarting`, and whatever storing the body meets.
 */
export async function appendBody(service: Service, exchange: Exchange): Promise<Response> {
  const { c, platform, subject } = exchange;
  const { path } = subject;
  const { hub, limits } = service;
  platform.unhurried?.(c);
  // A sender that is quiet must not keep a failure to itself.
  const { appender, end } = await hub.admit(path, { failed: (error) => intake.stop(error) });
  const intake = new Intake(c.req.raw.body, appender, limits);
  let ended: Promise<Outcome> | undefined;
  const forget = await onShutdown(hub, end, async () => {
    intake.stop(new StreamError("restarting", "The server is shutting down. What arrived until now is stored."));
    await ended;
    await answered(service, exchange);
  });
  const finished = journal(service, exchange.subject, {
    type: "append",
    transport: "http",
    offset: appender.channel.size,
  });
  ended = intake.run().then(() => end(intake.reason));
  const { size } = await ended;
  forget();
  const failure = appender.error ?? intake.stopped;
  finished({ offset: size, reason: failure?.code ?? "complete" });
  const headers = { [NEXT_OFFSET_HEADER]: formatOffset(size) };
  if (!failure) return new Response("", { headers });
  throw new StreamError(failure.code, failure.message, { path, cause: failure, headers });
}

/** As {@link Hub.onClose}, but gives the path back when the shutdown has begun while it was being claimed. */
async function onShutdown(hub: Hub, end: Admission["end"], closer: Closer): Promise<() => void> {
  try {
    return hub.onClose(closer);
  } catch (error) {
    await end("restarting");
    throw error;
  }
}

/** Moves a request body into an appender, no faster than it is stored. */
class Intake {
  /** What ended it, unless the body did. */
  stopped: StreamError | undefined;
  readonly #body: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #appender: Appender;
  readonly #limits: Readonly<Limits>;

  constructor(body: ReadableStream<Uint8Array> | null, appender: Appender, limits: Readonly<Limits>) {
    this.#body = body?.getReader();
    this.#appender = appender;
    this.#limits = limits;
  }

  /** How the append ends for those who follow it. */
  get reason(): EndReason {
    if (!this.stopped) return "complete";
    return this.stopped.code === "restarting" ? "restarting" : "lost";
  }

  /** Resolves when the body has ended, broken off or been stopped, or storing has failed. */
  async run(): Promise<void> {
    const appender = this.#appender;
    const { idleTimeoutMs } = this.#limits;
    const idleness = new Idleness(
      idleTimeoutMs,
      (error) => this.stop(error),
      () => appender.queued > 0,
    );
    try {
      while (this.#body && !this.stopped && !appender.error) {
        const { done, value } = await this.#body.read();
        if (done) return;
        idleness.heard();
        appender.push(value);
        if (appender.queued > this.#limits.appenderQueueBytes) await appender.idle;
      }
    } catch (error) {
      // The sender has gone: nothing was wrong with what arrived.
      this.stopped ??= new StreamError("lost", "The request body broke off. What arrived is stored.", { cause: error });
    } finally {
      idleness.stop();
      if (this.stopped || appender.error) this.#body?.cancel().catch(() => {});
    }
  }

  /** Ends it early. */
  stop(error: StreamError): void {
    this.stopped ??= error;
    this.#body?.cancel(error).catch(() => {});
  }
}
