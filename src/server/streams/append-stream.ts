/**
 * Appending from the program that runs the server.
 * @module
 */

import type { AppendOwner } from "../../engine/append/append-slot.ts";
import type { Admission } from "../../engine/append/registry.ts";
import type { StoreStat } from "../../engine/storage/store.ts";
import { mayContinue } from "../../engine/storage/unavailable.ts";
import { type Chunk, Encoder } from "../../protocol/append-source.ts";
import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { isMediaType } from "../../protocol/media-type.ts";
import { explained } from "../../support/printable.ts";
import { LogSpan } from "../service/log-span.ts";
import type { Service } from "../service/service.ts";
import { aborted } from "./aborted.ts";
import { checkBytes, checkFlags, checkNames } from "./option-names.ts";

/** Options of {@link Streams.append} and {@link Streams.openAppend}. All are optional. */
export interface LocalAppendOptions {
  /** Append only if the resource has exactly this size in bytes; 0 requires that it is empty or does not exist. */
  offset?: number;
  /** Append only if the resource does not exist. Default false. */
  ifAbsent?: boolean;
  /** Append only to this generation of the content. */
  generation?: string;
  /** The media type of the bytes; recorded unless one is on record already. */
  type?: string;
  /** Ends the append when it aborts. The bytes appended before stay, and followers learn that the append was lost. */
  signal?: AbortSignal;
}

/** Bytes that may wait for the store before `ready` asks a writer to wait. */
const HIGH_WATER_BYTES = 64 * 1024;

/**
 * An open append. Returned by {@link Streams.openAppend}.
 *
 * A write that no other one waits behind resolves when everything before it is stored. Writes that are not awaited are stored
 * together, and may resolve earlier. `close()` completes the append. `abort()` ends it as lost.
 *
 * @example
 * ```ts
 * const log = await streams.openAppend("build/42.log");
 * const writer = log.getWriter();
 * await writer.write("started\n");
 * await writer.close();
 * console.log(log.offset); // 8
 * ```
 */
export class LocalAppendStream extends WritableStream<Chunk> {
  readonly #sink: LocalAppend;

  /** @internal */
  constructor(sink: LocalAppend) {
    super(sink, { highWaterMark: HIGH_WATER_BYTES, size: (chunk) => sink.announce(chunk) });
    this.#sink = sink;
  }

  /** The size of the resource in bytes: every byte before it is stored. */
  get offset(): number {
    return this.#sink.offset;
  }

  /** The generation of the content that it appends to. */
  get generation(): string {
    return this.#sink.generation;
  }
}

/**
 * Opens an append.
 *
 * @throws {StreamError} `bad_request` for an invalid option, `conflict`, `precondition_failed`, `replaced`, `aborted`,
 * `restarting`; what claiming the path throws.
 */
export async function openLocalAppend(
  service: Service,
  path: string,
  options: LocalAppendOptions = {},
): Promise<LocalAppendStream> {
  checkOptions(options, path);
  const { offset, ifAbsent = false, generation, type, signal } = options;
  const { registry, sessions } = service;
  // A follow of the path that comes from now on waits for the claim.
  const arrived = registry.announce(path);
  try {
    signal?.throwIfAborted();
    await sessions.adopt(path);
    const admission = await registry.admit(path, {
      ...{ offset, generation, type },
      ...(ifAbsent && { check: refuseExisting }),
    });
    const append = new LocalAppend(service, path, admission, signal);
    admission.connect(append);
    if (registry.closing) {
      // The shutdown began during the claim, did not know this append, and waits for its path.
      await append.shutDown();
      registry.assertOpen();
    }
    return new LocalAppendStream(append);
  } catch (error) {
    throw signal?.aborted ? aborted(signal, path) : error;
  } finally {
    arrived();
  }
}

/** @throws {StreamError} `precondition_failed` if the resource exists. */
function refuseExisting(found: StoreStat | undefined, path: string): void {
  if (!found) return;
  throw new StreamError("precondition_failed", `"/${path}" exists already. Nothing was appended.`, { path });
}

function checkOptions(options: LocalAppendOptions, path: string): void {
  checkNames(options, { offset: true, ifAbsent: true, generation: true, type: true, signal: true }, "append");
  const { offset, ifAbsent, type } = options;
  checkBytes({ offset }, "append");
  checkFlags({ ifAbsent }, "append");
  if (type !== undefined && !isMediaType(type)) {
    throw new StreamError("bad_request", `"type" must be a media type, not ${JSON.stringify(type)}.`, { path });
  }
}

/** One append, as the sink of a stream. */
class LocalAppend implements UnderlyingSink<Chunk>, AppendOwner {
  readonly #path: string;
  readonly #admission: Admission;
  readonly #queueBytes: number;
  readonly #encoder = new Encoder();
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#stop(aborted(this.#signal, this.#path), "lost");
  /** The log of it, until it ends. */
  #span: LogSpan | undefined;
  #controller: WritableStreamDefaultController | undefined;
  /** Chunks that the stream has accepted and not yet passed on. */
  #waiting = 0;

  constructor(service: Service, path: string, admission: Admission, signal: AbortSignal | undefined) {
    this.#path = path;
    this.#admission = admission;
    this.#queueBytes = service.limits.appenderQueueBytes;
    this.#signal = signal;
    const how = { type: "append", transport: "local", offset: this.offset } as const;
    this.#span = new LogSpan(service, { path }, how, () => this.offset);
  }

  get offset(): number {
    return this.#admission.batcher.channel.size;
  }

  get generation(): string {
    return this.#admission.batcher.channel.generation;
  }

  /** Counts a chunk that the stream has accepted, and returns its size. */
  announce(chunk: Chunk): number {
    this.#waiting++;
    return queuedSize(chunk);
  }

  start(controller: WritableStreamDefaultController): void {
    this.#controller = controller;
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#signal?.aborted) this.#onAbort();
  }

  async write(chunk: Chunk): Promise<void> {
    this.#waiting--;
    const { batcher } = this.#admission;
    try {
      // The caller may change its array when the write has settled.
      for (const piece of this.#encoder.encode(chunk)) batcher.push(piece === chunk ? new Uint8Array(piece) : piece);
      // The chunks behind this one join its batch.
      const isBusy = this.#waiting > 0 && batcher.queued <= this.#queueBytes;
      if (!isBusy) await batcher.idle;
      if (batcher.error) throw batcher.error;
    } catch (error) {
      // A stream neither closes nor aborts a sink that has failed, so the path would stay claimed.
      await this.#end("lost", this.#failure(error));
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const piece of this.#encoder.flush()) this.#admission.batcher.push(piece);
    await this.#end("complete");
    const { error } = this.#admission.batcher;
    if (error) throw error;
  }

  async abort(reason?: unknown): Promise<void> {
    await this.#end("lost", reason === undefined ? undefined : this.#failure(reason));
  }

  /** Called when storing has failed. */
  failed(error: StreamError): void {
    this.#stop(error, mayContinue(error) ? "restarting" : "lost");
  }

  /** Called on shutdown. */
  async shutDown(): Promise<void> {
    this.#controller?.error(
      new StreamError("restarting", `The server is shutting down, which ends the append to "/${this.#path}".`),
    );
    await this.#end("restarting");
  }

  #stop(error: StreamError, reason: EndReason): void {
    this.#controller?.error(error);
    void this.#end(reason, error);
  }

  /** The reason with which the program has ended the append, or the error of its source. */
  #failure(reason: unknown): StreamError {
    if (reason instanceof StreamError) return reason;
    const message = `The source of the append to "/${this.#path}" has failed: ${explained(reason)}`;
    return new StreamError("lost", message, { path: this.#path, cause: reason });
  }

  async #end(reason: EndReason, error?: StreamError): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    const { size, reason: ended } = await this.#admission.end(reason, false, error);
    this.#span?.end(size, this.#admission.batcher.error?.code ?? ended);
    this.#span = undefined;
  }
}

/**
 * The size of a chunk, or of a value that is not one. Without a size, the stream would fail without asking the sink, so
 * the path would stay claimed; the sink refuses the value.
 */
function queuedSize(chunk: unknown): number {
  try {
    const size = Number((chunk as Chunk).length);
    return size > 0 && size < Number.POSITIVE_INFINITY ? size : 1;
  } catch {
    return 1;
  }
}
