/**
 * Appending over plain HTTP: a request body is appended as it arrives. `curl -T -` is an appender.
 * @module
 */
import type { Batcher } from "../../engine/append/batcher.ts";
import { PieceQueue } from "../../engine/append/piece-queue.ts";
import type { Admission, AppendRegistry, Closer } from "../../engine/append/registry.ts";
import { turnEnd } from "../../engine/append/turn.ts";
import type { Outcome } from "../../engine/follow/followable.ts";
import type { Limits } from "../../engine/limits.ts";
import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { GENERATION_HEADER } from "../../protocol/generation.ts";
import { formatOffset, NEXT_OFFSET_HEADER } from "../../protocol/offset.ts";
import { newAppendTerms } from "../request/append-preconditions.ts";
import { refuseOtherBodies } from "../request/body-kind.ts";
import { whenAnswered } from "../service/answer-watch.ts";
import { LogSpan } from "../service/log-span.ts";
import { answered, type Exchange, type Service } from "../service/service.ts";
import { IdleTimeout } from "../timers/idle-timeout.ts";
import { type BodyReader, bodyReader } from "./body-reader.ts";

/**
 * Appends the request's body, and answers when it has ended and is stored.
 *
 * @throws {StreamError} `conflict`, `precondition_failed`, `unsupported`, `not_implemented`, `restarting`, and whatever storing the body meets.
 */
export async function appendBody(service: Service, exchange: Exchange): Promise<Response> {
  const { c, platform, subject } = exchange;
  const { path } = subject;
  const { limits } = service;
  platform.disableRequestTimeout?.(c);
  // Nothing is awaited before: what has come when its sender breaks off must have been read by then.
  const { body } = unread(c.req.raw, path);
  const reader = body ? bodyReader(body, platform.fillsBuffers) : undefined;
  const intake = new Intake(reader, body ? platform.bodyWatch?.(c) : undefined, limits);
  const unwatch = whenAnswered(exchange, () => intake.stop(answeredFirst(path)));
  try {
    return await store(service, exchange, intake);
  } finally {
    unwatch();
  }
}

async function store(service: Service, exchange: Exchange, intake: Intake): Promise<Response> {
  const { registry } = service;
  const { path } = exchange.subject;
  const { batcher, end } = await admit(service, exchange, intake);
  let ended: Promise<Outcome> | undefined;
  const forget = await onShutdown(registry, end, async () => {
    intake.stop(new StreamError("restarting", "The server is shutting down. What arrived until now is stored."));
    await ended;
    await answered(service, exchange);
  });
  const span = new LogSpan(service, exchange.subject, {
    type: "append",
    transport: "http",
    offset: batcher.channel.size,
  });
  ended = intake.into(batcher).then(() => end(intake.reason));
  const { size } = await ended;
  forget();
  const failure = batcher.error ?? intake.stopped;
  span.end(size, failure?.code ?? "complete");
  const headers = { [NEXT_OFFSET_HEADER]: formatOffset(size), [GENERATION_HEADER]: batcher.channel.generation };
  if (!failure) return new Response("", { headers });
  throw new StreamError(failure.code, failure.message, { path, cause: failure, headers });
}

/**
 * A request whose body is still all there. A middleware that has read it may have left nothing, or a part.
 *
 * @throws {StreamError} `misconfigured`
 */
function unread(request: Request, path: string): Request {
  if (!request.bodyUsed && !request.body?.locked) return request;
  throw new StreamError(
    "misconfigured",
    "A middleware in front of this app has read the body of the request, so there is nothing left to append. Let it leave " +
      'the bodies of appends alone, or set "c.req.raw" to a new Request with the same body.',
    { path },
  );
}

function answeredFirst(path: string): StreamError {
  return new StreamError(
    "lost",
    "The request was answered before its body had ended. What arrived until then is stored.",
    {
      path,
    },
  );
}

async function admit({ registry, sessions }: Service, { c, platform, subject: { path } }: Exchange, intake: Intake) {
  try {
    refuseOtherBodies(c, path);
    const terms = newAppendTerms(c);
    // A session that its server left behind holds its path before anybody else gets at it.
    await sessions.adopt(path);
    // Nothing is made for a body of which nothing can be read.
    if (platform.isUnreadable?.(c)) throw new StreamError("lost", "The request body is malformed.", { path });
    // A sender that is quiet must not keep a failure to itself.
    return await registry.admit(path, { failed: (error) => intake.stop(error) }, terms);
  } catch (error) {
    intake.refuse();
    throw error;
  }
}

/** As {@link AppendRegistry.onClose}, but gives the path back when the shutdown has begun while it was being claimed. */
async function onShutdown(registry: AppendRegistry, end: Admission["end"], closer: Closer): Promise<() => void> {
  try {
    return registry.onClose(closer);
  } catch (error) {
    await end("restarting");
    throw error;
  }
}

/** Pieces with fewer bytes than this are small. */
const SMALL_BYTES = 1024;

/** So many small pieces of one body are taken before everybody else has their turn. */
const SMALL_A_TURN = 256;

/** Moves a request body into an appender, no faster than it is stored. Reads from the beginning, before there is one. */
class Intake {
  /** What ended it, unless the body did. */
  stopped: StreamError | undefined;
  readonly #body: BodyReader | undefined;
  readonly #limits: Readonly<Limits>;
  readonly #over: Promise<void>;
  /** What has come before there was an appender. */
  readonly #early = new PieceQueue();
  #batcher: Batcher | undefined;
  #idleTimeout: IdleTimeout | undefined;
  #refused = false;
  #bytes = 0;
  readonly #brokeOff: ((bytes: number) => Promise<boolean>) | undefined;
  #goOn: () => void = () => {};

  constructor(
    body: BodyReader | undefined,
    brokeOff: ((bytes: number) => Promise<boolean>) | undefined,
    limits: Readonly<Limits>,
  ) {
    this.#body = body;
    this.#brokeOff = brokeOff;
    this.#limits = limits;
    this.#over = this.#read();
  }

  /** How the append ends for those who follow it. */
  get reason(): EndReason {
    if (!this.stopped) return "complete";
    return this.stopped.code === "restarting" ? "restarting" : "lost";
  }

  /** Moves it all; resolves when the body has ended, broken off or been stopped, or storing has failed. */
  async into(batcher: Batcher): Promise<void> {
    this.#batcher = batcher;
    while (this.#early.bytes > 0) batcher.push(this.#early.take(this.#limits.batchBytes));
    const excused = (): boolean => batcher.queued > 0;
    this.#idleTimeout = new IdleTimeout(this.#limits.idleTimeoutMs, (error) => this.stop(error), excused);
    this.#goOn();
    await this.#over;
    this.#idleTimeout.stop();
    if (this.stopped || batcher.error) this.#body?.cancel().catch(() => {});
  }

  /** Ends it early. */
  stop(error: StreamError): void {
    this.stopped ??= error;
    this.#body?.cancel(error).catch(() => {});
  }

  /** There will be no appender. The rest is read for a while, as most clients send it all before they read an answer. */
  refuse(): void {
    this.#refused = true;
    this.#early.clear();
    this.#goOn();
  }

  async #read(): Promise<void> {
    let dropped = 0;
    let small = 0;
    try {
      while (this.#body && !this.stopped && !this.#batcher?.error && dropped <= this.#limits.appenderQueueBytes) {
        const piece = await this.#body.read();
        if (!piece) return await this.#checkEnd();
        this.#bytes += piece.length;
        if (this.#refused) dropped += piece.length;
        else await this.#take(piece);
        // What lies in memory already comes without a turn of the event loop, however many chunks it is.
        if (piece.length < SMALL_BYTES && ++small % SMALL_A_TURN === 0) await turnEnd();
      }
    } catch (error) {
      // The sender has gone: nothing was wrong with what arrived.
      this.stopped ??= new StreamError("lost", "The request body broke off. What arrived is stored.", { cause: error });
    }
    if (this.#refused) this.#body?.releaseLock();
  }

  /** Some runtimes end a body that its sender has broken off. */
  async #checkEnd(): Promise<void> {
    if (await this.#brokeOff?.(this.#bytes)) throw new Error("The client reset the request.");
  }

  async #take(piece: Uint8Array): Promise<void> {
    const most = this.#limits.appenderQueueBytes;
    this.#idleTimeout?.heard();
    if (this.#batcher) {
      this.#batcher.push(piece);
      if (this.#batcher.queued > most) await this.#batcher.idle;
      return;
    }
    this.#early.push(piece);
    if (this.#early.bytes <= most) return;
    await new Promise<void>((goOn) => {
      this.#goOn = goOn;
    });
  }
}
