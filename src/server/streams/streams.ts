/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The streams of a server, for the program that runs it.
 * @module
 */
import type { Context, Hono } from "hono";
import { removePath } from "../../engine/sessions/removal.ts";
import type { ListOptions, StoreEntry, StoreStat } from "../../engine/storage/store.ts";
import { type AppendSource, abandon, pour, streamOf } from "../../protocol/append-source.ts";
import { StreamError } from "../../protocol/errors.ts";
import { withoutKept } from "../service/kept-claims.ts";
import type { Service } from "../service/service.ts";
import { type LocalAppendOptions, type LocalAppendStream, openLocalAppend } from "./append-stream.ts";
import { LocalFollow, type LocalFollowOptions } from "./follow.ts";
import { LocalFollowStream } from "./follow-stream.ts";
import { checkNames } from "./option-names.ts";
import { type LocalReadOptions, notFound, readStored } from "./read.ts";
import { resourceOf } from "./resource-of.ts";

/** The result of {@link Streams.append}. */
export interface LocalAppendResult {
  /** Bytes appended. */
  readonly bytes: number;
  /** The size of the resource after the append. */
  readonly offset: number;
  /** The generation of its content. */
  readonly generation: string;
}

/** What {@link Streams.stat} reports about a resource. */
export interface StreamStat extends Omit<StoreStat, "kept"> {
  /** Whether an append is under way, in any process, or its session waits for its appender. */
  readonly appending: boolean;
  /** Followers of the path in this process. */
  readonly followers: number;
}

/** The parts of the app that the streams need. */
export interface StreamsParts {
  readonly app: Hono;
  readonly service: Service;
  /** Answers a request that follows a path. */
  readonly respond: (c: Context, path: string) => Promise<Response>;
  readonly close: (reason?: string) => Promise<void>;
  /** Writes the metrics. Default: none. */
  readonly metrics?: () => Promise<string>;
}

/**
 * The streams of a server, used by the program that runs it: the same appends, followers and rules as over the wire, without
 * a socket. Created by `createStreams()`; `fstream()` has it as its property `streams`.
 *
 * Paths are resource paths, such as `build/42.log`; one leading slash is allowed. A path that no URL can name is refused
 * with `bad_path`. The gate is not asked: the program has decided already.
 *
 * @example
 * ```ts
 * const streams = createStreams({ root: "./data" });
 * await streams.append("hello.txt", "hello\n");
 * for await (const bytes of streams.follow("hello.txt")) process.stdout.write(bytes);
 * ```
 */
export class Streams implements AsyncDisposable {
  /** The app that serves the streams over HTTP and WebSockets. */
  readonly app: Hono;
  readonly #service: Service;
  readonly #respond: (c: Context, path: string) => Promise<Response>;
  readonly #close: (reason?: string) => Promise<void>;
  readonly #metrics: (() => Promise<string>) | undefined;

  /** @internal */
  constructor({ app, service, respond, close, metrics }: StreamsParts) {
    this.app = app;
    this.#service = service;
    this.#respond = respond;
    this.#close = close;
    this.#metrics = metrics;
  }

  /**
   * Appends all bytes that a source yields, no faster than they are stored. Followers see them as they come. Resolves when
   * everything is stored and the append is complete. If the source fails, what it yielded before stays, followers learn that
   * the append was lost, and the error is thrown.
   *
   * @param source Bytes or text: a stream, an iterable, a `Blob`, a string or an array of bytes.
   * @throws {StreamError} `bad_path`, `bad_request`, `conflict` if the path has an appender, `precondition_failed` for another
   * size than `offset`, `replaced` for another generation, `path_conflict`, `aborted`, `restarting`, `no_space`, `storage` and
   * other errors of the store; or the error of the source.
   * @example
   * ```ts
   * await streams.append("chat/7.txt", model.textStream);
   * ```
   */
  async append(path: string, source: AppendSource, options: LocalAppendOptions = {}): Promise<LocalAppendResult> {
    const chunks = streamOf(source);
    const stream = await this.openAppend(path, options).catch((error: unknown) => {
      abandon(chunks, error);
      throw error;
    });
    const start = stream.offset;
    await pour(chunks, stream).catch(async (error: unknown) => {
      // A source that can't be piped, such as one that has a reader already, leaves the append open.
      await stream.abort(error).catch(() => {});
      throw error;
    });
    const { offset, generation } = stream;
    return { bytes: offset - start, offset, generation };
  }

  /**
   * Opens an append for writing. Resolves once the path belongs to this appender.
   *
   * @throws {StreamError} as {@link append}.
   * @example
   * ```ts
   * const writer = (await streams.openAppend("app.log")).getWriter();
   * await writer.write("started\n");
   * await writer.close();
   * ```
   */
  async openAppend(path: string, options: LocalAppendOptions = {}): Promise<LocalAppendStream> {
    return openLocalAppend(this.#service, resourceOf(path), options);
  }

  /**
   * Follows a resource: everything stored from the start on, then what is appended, every byte once. The stream closes
   * when the append ends; `ended` resolves to how. Without an append, it closes after the stored bytes. It reads no
   * faster than its reader, and never slows the appender. It waits for an append that this program has begun before.
   *
   * @returns A stream that fails with a {@link StreamError}: `not_found`, `range` for an offset past the end, `replaced`,
   * `bad_request` for an invalid option, `restarting` if the server shuts down, `aborted`, and errors of the store.
   * @throws {StreamError} `bad_path`
   * @example
   * ```ts
   * const log = streams.follow("build/42.log", { offset: 1000 });
   * for await (const bytes of log) process.stdout.write(bytes);
   * ```
   */
  follow(path: string, options: LocalFollowOptions = {}): LocalFollowStream {
    return new LocalFollowStream(new LocalFollow(this.#service, resourceOf(path), options));
  }

  /**
   * Reads what is stored at present.
   *
   * @returns A stream that fails with `not_found`, `replaced`, or `range` if the resource has fewer bytes than `from`.
   * @throws {StreamError} `bad_path`
   * @example
   * ```ts
   * const text = await new Response(streams.read("hello.txt", { from: 6 })).text();
   * ```
   */
  read(path: string, options: LocalReadOptions = {}): ReadableStream<Uint8Array> {
    return readStored(this.#service, resourceOf(path), options);
  }

  /**
   * The size, age and state of a resource; undefined if it does not exist or is a folder.
   *
   * @throws {StreamError} `bad_path`, `path_conflict` for a path below a resource, and errors of the store.
   * @example
   * ```ts
   * (await streams.stat("hello.txt"))?.size; // 6
   * ```
   */
  async stat(path: string): Promise<StreamStat | undefined> {
    const name = resourceOf(path);
    const found = await this.#service.store.stat(name);
    const followers = this.#service.reporter.followersOf(name);
    if (!found) return undefined;
    const { kept: _, ...seen } = withoutKept(this.#service, name, found);
    return { ...seen, appending: seen.appending ?? false, followers };
  }

  /**
   * The rows of a folder, sorted by name, each read on demand.
   *
   * @param folder Default: the root.
   * @throws {StreamError} `bad_path`, `bad_request` for an invalid option, `not_found`, and errors of the store; while
   * the rows are read.
   * @example
   * ```ts
   * for await (const { name, size, appending } of streams.list("build")) console.log(name, size, appending);
   * ```
   */
  async *list(folder: string = "", options: ListOptions = {}): AsyncGenerator<StoreEntry, void, void> {
    checkNames(options, { after: true, limit: true, signal: true }, "list");
    const isRoot = folder === "" || folder === "/";
    const name = isRoot ? "" : resourceOf(typeof folder === "string" ? folder.replace(/\/$/, "") : folder);
    const rows = await this.#service.store.list(name, options);
    if (!rows) throw notFound(name);
    yield* rows;
  }

  /**
   * Closes a stream: nothing more can be appended to it, and its followers get `complete` behind the last byte. A plain file
   * becomes a closed stream. Does nothing if it is closed already. Needs a store that keeps records of streams.
   *
   * @throws {StreamError} `bad_path`, `not_found`, `busy` while another appender has the path, `not_implemented` without
   * Durable Streams, and errors of the store.
   * @example
   * ```ts
   * await streams.close("orders/1.txt");
   * ```
   */
  async close(path: string): Promise<void> {
    const name = resourceOf(path);
    const { durable } = this.#service;
    if (!durable) throw new StreamError("not_implemented", "Streams can't be closed: Durable Streams are off.");
    await durable.use(name);
    await durable.close(name);
  }

  /**
   * Removes a resource. Resolves to whether there was one.
   *
   * @param options `generation`: remove only this generation of the content. Default: any.
   * @throws {StreamError} `bad_path`, `bad_request` for an unknown option, `in_use` while it has an appender, `replaced`
   * for another generation, `path_conflict` for a folder, and errors of the store.
   * @example
   * ```ts
   * await streams.remove("build/41.log");
   * ```
   */
  async remove(path: string, options: { generation?: string } = {}): Promise<boolean> {
    checkNames(options, { generation: true }, "remove");
    const { generation } = options;
    const { durable } = this.#service;
    const name = resourceOf(path);
    return durable ? durable.remove(name, { generation }) : removePath(this.#service, name, { generation });
  }

  /**
   * Answers a request of your own route with a follow of a path: as a WebSocket if the request asks for an upgrade, as
   * an HTTP body otherwise; with `live=sse`, as server-sent events. The parameters `offset`, `tail` and `generation` of
   * the request apply. It waits for an append that this program has begun before. Refusals are responses, too.
   *
   * @example
   * ```ts
   * app.post("/chat/:id", (c) => {
   *   const path = `chat/${c.req.param("id")}`;
   *   void streams.append(path, answerOf(c.req.raw)).catch(console.error);
   *   return streams.respond(c, path);
   * });
   * ```
   */
  async respond(c: Context, path: string): Promise<Response> {
    return this.#respond(c, path);
  }

  /**
   * Reports a failure that no caller gets to the operator: in the log, or on the console.
   *
   * @internal
   */
  reportFailure(path: string, error: unknown): void {
    const { reporter } = this.#service;
    if (error instanceof StreamError) reporter.failedIfFault(path, error);
    else reporter.failed(path, error, `The producer of the stream "/${path}" has failed.`);
  }

  /**
   * The metrics of this server in the text format of Prometheus, for a route of your own. All names begin with
   * `httpfstream_`. The times of the store and the delay of the event loop are measured with the option `metrics` only.
   *
   * @throws {StreamError} `not_implemented` with `httpfstream/web`, which has no metrics.
   * @example
   * ```ts
   * admin.get("/metrics", async (c) => c.text(await streams.metrics()));
   * ```
   */
  async metrics(): Promise<string> {
    if (this.#metrics) return this.#metrics();
    throw new StreamError("not_implemented", 'There are no metrics with "httpfstream/web". Use "httpfstream".');
  }

  /**
   * Shuts down as `close()` of the app does. Resolves when nothing is left.
   *
   * @param reason The reason to log. Default `close()`.
   */
  async shutdown(reason?: string): Promise<void> {
    await this.#close(reason);
  }

  /** Shuts down, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}
