/**
 * Appending over plain HTTP: a request body is appended as it arrives, so that `curl -T -` is an appender.
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
import { CLOSED_HEADER } from "../../protocol/stream-headers.ts";
import type { BodyReader } from "../platform/body.ts";
import { type AppendParameters, isClosing, withoutSession } from "../request/append-parameters.ts";
import { refuseOtherBodies } from "../request/unsupported-body.ts";
import { whenAnswered } from "../service/answer-watch.ts";
import { LogSpan } from "../service/log-span.ts";
import { passGate } from "../service/pass-gate.ts";
import { type Exchange, type Service, waitUntilSent } from "../service/service.ts";
import { checkPermission, permissionEnded, whenExpired } from "../timers/expiry.ts";
import { bodyIdleOf, IdleTimeout } from "../timers/idle-timeout.ts";
import { openBody } from "./body-reader.ts";

/**
 * Appends the request body. Resolves to the response once the body has ended and is stored.
 *
 * @throws {StreamError} `conflict`, `precondition_failed`, `unsupported`, `not_implemented`, `restarting`, and any
 * error of reading or storing the body.
 */
export async function appendBody(
  service: Service,
  exchange: Exchange,
  parameters: AppendParameters,
): Promise<Response> {
  const { c, platform, subject } = exchange;
  const { path } = subject;
  const limits = limitsOf(exchange, service.limits);
  // Await nothing before this: data that has arrived must have been read when its sender aborts, or it is lost.
  const reader = openBody(exchange, () => alreadyRead(path));
  const intake = new Intake(reader, reader && platform.bodyWatch?.(c), limits);
  const unwatch = whenAnswered(exchange, () => intake.stop(answeredFirst(path)));
  try {
    return await store(service, exchange, { parameters, intake });
  } finally {
    unwatch();
    exchange.slot?.leave();
  }
}

/**
 * The limits of one body. The sender of a body whose length is known has all of it: silence means that it is stuck. Without a
 * length, as from `tail -f | curl -T -`, silence is normal.
 */
function limitsOf({ c }: Exchange, limits: Readonly<Limits>): Readonly<Limits> {
  return c.req.header("Content-Length") === undefined ? limits : { ...limits, idleTimeoutMs: bodyIdleOf(limits) };
}

/** A body, and what its request asks for. */
interface Upload {
  readonly parameters: AppendParameters;
  readonly intake: Intake;
}

async function store(service: Service, exchange: Exchange, upload: Upload): Promise<Response> {
  const { registry } = service;
  const { path } = exchange.subject;
  const { intake } = upload;
  const answer = await enter(service, exchange).catch((error: unknown) => {
    intake.refuse();
    throw error;
  });
  if (answer) {
    intake.refuse();
    return answer;
  }
  const { batcher, end } = await admit(service, exchange, upload);
  let ended: Promise<Outcome> | undefined;
  const forget = await onShutdown(registry, end, async () => {
    intake.stop(new StreamError("restarting", "The server is shutting down. What has arrived is stored."));
    await ended;
    await waitUntilSent(service, exchange);
  }).catch((error: unknown) => {
    intake.refuse();
    throw error;
  });
  const stopExpiry = whenExpired(exchange.access?.expiresAtMs, () => intake.stop(permissionEnded(path)));
  const begun = { type: "append", transport: "http", offset: batcher.channel.size } as const;
  const span = new LogSpan(service, exchange.subject, begun, () => batcher.channel.size, exchange.result);
  // A body that was malformed from its first byte on leaves no file, even if that is detected only now.
  ended = intake.into(batcher).then(() => {
    return end(intake.reason, intake.isVoid && batcher.channel.created, intake.stopped);
  });
  const { size } = await ended;
  stopExpiry();
  forget();
  const failure = batcher.error ?? intake.stopped;
  span.end(size, failure?.code ?? "complete");
  const closes = !failure && isClosing(exchange.c);
  // Only a body that is complete closes its stream.
  const closedAt = closes ? await service.durable?.close(path) : undefined;
  const headers = {
    [NEXT_OFFSET_HEADER]: formatOffset(closedAt ?? size),
    [GENERATION_HEADER]: batcher.channel.generation,
  };
  if (!failure) return new Response("", { headers: { ...headers, ...(closes && { [CLOSED_HEADER]: "true" }) } });
  throw new StreamError(failure.code, failure.message, {
    path,
    cause: failure,
    headers: { ...failure.headers, ...headers },
  });
}

/**
 * Occupies a slot among the connections, and asks the gate. The body is read meanwhile, so it must not wait for the gate
 * without a slot.
 *
 * @returns The response of the gate that answers the request instead.
 */
async function enter(service: Service, exchange: Exchange): Promise<Response | undefined> {
  exchange.slot = service.connectionLimiter.enter(exchange.subject, "append");
  return await passGate(service, exchange, "append");
}

function alreadyRead(path: string): StreamError {
  return new StreamError(
    "misconfigured",
    "A middleware in front of this app has read the body of the request, so there is nothing left to append. Make it leave " +
      'the bodies of appends unread, or set "c.req.raw" to a new Request with the same body.',
    { path },
  );
}

function answeredFirst(path: string): StreamError {
  return new StreamError("lost", "The request was answered before its body ended. What had arrived is stored.", {
    path,
  });
}

async function admit(
  { registry, sessions }: Service,
  exchange: Exchange,
  { parameters, intake }: Upload,
): Promise<Admission> {
  const { c, platform, subject } = exchange;
  const { path, peer, requestId } = subject;
  try {
    refuseOtherBodies(c, path);
    const preconditions = withoutSession(parameters);
    // A session that its former server left behind must claim its path before any new append can.
    await sessions.adopt(path);
    // If the body is malformed from its first byte on, create no file.
    if (platform.isUnreadable?.(c)) throw new StreamError("lost", "The request body is malformed.", { path });
    checkPermission(exchange);
    const admission = await registry.admit(path, { ...preconditions, peer, requestId });
    // Without this, a failure would not be reported while the sender is quiet.
    admission.connect({ failed: (error) => intake.stop(error) });
    return admission;
  } catch (error) {
    intake.refuse();
    throw error;
  }
}

/** Like {@link AppendRegistry.onClose}, but releases the path if a shutdown began while it was being claimed. */
async function onShutdown(registry: AppendRegistry, end: Admission["end"], closer: Closer): Promise<() => void> {
  try {
    return registry.onClose(closer);
  } catch (error) {
    await end("restarting");
    throw error;
  }
}

/** Pieces with fewer bytes than this count as small. */
const SMALL_BYTES = 1024;

/** Number of small pieces of one body that are processed before other connections get their turn. */
const SMALL_PER_TURN = 256;

/** Moves a request body into a batcher, no faster than it is stored. Starts reading before there is a batcher. */
class Intake {
  /** The error that ended it, unless the body ended. */
  stopped: StreamError | undefined;
  readonly #body: BodyReader | undefined;
  readonly #limits: Readonly<Limits>;
  readonly #done: Promise<void>;
  #isRead = false;
  /** The pieces that arrived before there was a batcher. */
  readonly #early = new PieceQueue();
  #batcher: Batcher | undefined;
  #idleTimeout: IdleTimeout | undefined;
  #refused = false;
  #bytes = 0;
  readonly #wasAborted: ((bytes: number) => Promise<boolean>) | undefined;
  #resume: () => void = () => {};

  constructor(
    body: BodyReader | undefined,
    wasAborted: ((bytes: number) => Promise<boolean>) | undefined,
    limits: Readonly<Limits>,
  ) {
    this.#body = body;
    this.#wasAborted = wasAborted;
    this.#limits = limits;
    this.#done = this.#read().finally(() => {
      this.#isRead = true;
    });
  }

  /** How the append ends, as its followers see it. */
  get reason(): EndReason {
    if (!this.stopped) return "complete";
    return this.stopped.code === "restarting" ? "restarting" : "lost";
  }

  /** Whether the body broke off, and nothing of it has arrived. */
  get isVoid(): boolean {
    return this.#bytes === 0 && this.stopped?.code === "lost";
  }

  /**
   * Moves the whole body. Resolves when the body has ended, has broken off or was stopped, or when storing has failed.
   */
  async into(batcher: Batcher): Promise<void> {
    this.#batcher = batcher;
    while (this.#early.bytes > 0) batcher.push(this.#early.take(this.#limits.batchBytes));
    const excused = (): boolean => batcher.queued > 0;
    // A short body has usually ended by now.
    if (!this.#isRead) {
      this.#idleTimeout = new IdleTimeout(this.#limits.idleTimeoutMs, (error) => this.stop(error), excused);
    }
    this.#resume();
    await this.#done;
    this.#idleTimeout?.stop();
    if (this.stopped || batcher.error) this.#body?.cancel().catch(() => {});
  }

  /** Ends the intake early. */
  stop(error: StreamError): void {
    this.stopped ??= error;
    this.#body?.cancel(error).catch(() => {});
  }

  /**
   * Abandons the append: there will be no batcher. Continues to read for a while, because most clients read a response only
   * after they have sent the whole body.
   */
  refuse(): void {
    this.#refused = true;
    this.#early.clear();
    this.#resume();
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
        // Data that is in memory already arrives without a turn of the event loop, however many chunks it has.
        if (piece.length < SMALL_BYTES && ++small % SMALL_PER_TURN === 0) await turnEnd();
      }
    } catch (error) {
      // The sender is gone; what arrived before is intact.
      this.stopped ??= new StreamError("lost", "The request body broke off. What arrived is stored.", { cause: error });
    }
    if (this.#refused) this.#body?.releaseLock();
  }

  /** Some runtimes signal a normal end for a body that its sender has aborted. */
  async #checkEnd(): Promise<void> {
    if (await this.#wasAborted?.(this.#bytes)) throw new Error("The client reset the request.");
  }

  async #take(piece: Uint8Array): Promise<void> {
    const max = this.#limits.appenderQueueBytes;
    this.#idleTimeout?.heard();
    if (this.#batcher) {
      this.#batcher.push(piece);
      if (this.#batcher.queued > max) await this.#batcher.idle;
      return;
    }
    this.#early.push(piece);
    if (this.#early.bytes <= max) return;
    await new Promise<void>((resume) => {
      this.#resume = resume;
    });
  }
}
