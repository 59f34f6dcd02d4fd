/**
 * The live listing of a folder, as server-sent events.
 * @module
 */
import type { FolderRow } from "../../engine/folders/folder-rows.ts";
import type { FolderWatch, FolderWatcher } from "../../engine/folders/folder-watch.ts";
import type { Follow } from "../../engine/follow/follow.ts";
import type { FollowEnd, Sink } from "../../engine/follow/follower.ts";
import { Frame } from "../../engine/follow/frame.ts";
import { compareNames } from "../../engine/storage/name-order.ts";
import { StreamError } from "../../protocol/errors.ts";
import { CONTENT_HEADERS } from "../../protocol/generation.ts";
import { START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { followBody } from "../http/follow.ts";
import { formatRow, isScopeFolder, rowFilter } from "../http/listing.ts";
import type { Exchange, Service } from "../service/service.ts";
import { RowEvents } from "./row-events.ts";

/** Maximum changed rows that wait for a slow client. Beyond that, it gets all rows again. */
const MAX_PENDING = 2_000;

/** Minimum characters of rows per frame. */
const PIECE_LENGTH = 32 * 1024;

/** Maximum bytes that wait in a connection before more is sent. */
const BUDGET_BYTES = 64 * 1024;

const ENCODER = new TextEncoder();

/**
 * Responds with all rows of a folder, then with their changes until the folder is removed. It is logged as a follow.
 *
 * @param below The path as the client sees it.
 * @throws {StreamError} `not_found` if there is no such folder, or if listings are off; `restarting`; `denied`, `storage`.
 */
export async function liveListing(service: Service, exchange: Exchange, below: string): Promise<Response> {
  const { subject } = exchange;
  const { path } = subject;
  const missing = new StreamError("not_found", `"/${path}" is no folder.`, { path });
  if (!service.listings) throw missing;
  const isKept = isScopeFolder(exchange, below);
  const follow = new ListingFollow(below, rowFilter(exchange, below), isKept);
  const watch = await service.folders.watch(path, follow);
  const leave = (): void => service.folders.leave(watch, follow);
  follow.begin(watch, leave);
  try {
    if (!watch.exists && !isKept) throw missing;
    return await followBody(service, exchange, follow, {
      headers(headers) {
        for (const name of [...CONTENT_HEADERS, START_OFFSET_HEADER]) headers.delete(name);
        headers.set("Content-Type", "text/event-stream");
      },
      lastsMs: 0,
      over: (sink) => ({ sink, beat: () => beat(sink), ended: () => {} }),
    });
  } catch (error) {
    leave();
    throw error;
  }
}

/** The live listing of one client. It notes the names of changed rows, and sends their present state once the client reads. */
class ListingFollow implements Follow, FolderWatcher {
  readonly start = 0;
  readonly content = { size: 0, generation: "" };
  /** Bytes sent. */
  offset = 0;
  readonly #below: string;
  readonly #isVisible: ((row: FolderRow) => boolean) | undefined;
  /** Whether the folder exists for this client in any case. */
  readonly #isKept: boolean;
  #watch: FolderWatch | undefined;
  #release: () => void = () => {};
  /** The rows that the client has yet to receive. */
  #pending: "all" | ReadonlySet<string> | undefined = "all";
  /** The same set, if it is this client's own. Others are shared. */
  #own: Set<string> | undefined;
  #isStopped = false;
  #wake: () => void = () => {};

  constructor(below: string, isVisible: ((row: FolderRow) => boolean) | undefined, isKept: boolean) {
    this.#below = below;
    this.#isVisible = isVisible;
    this.#isKept = isKept;
  }

  /** Connects the watch, once the rows of the folder are known. */
  begin(watch: FolderWatch, release: () => void): void {
    this.#watch = watch;
    this.#release = release;
  }

  changed(names: ReadonlySet<string>): void {
    if (this.#pending === undefined) this.#pending = names;
    else if (this.#pending !== "all") {
      // A copy each time would cost a crowd of slow clients all that they have missed, every second.
      this.#own ??= new Set(this.#pending);
      for (const name of names) this.#own.add(name);
      const { size } = this.#own;
      const isTooMuch = size > MAX_PENDING && size * 2 > (this.#watch?.rows.size ?? 0);
      this.#pending = isTooMuch ? "all" : this.#own;
      if (isTooMuch) this.#own = undefined;
    }
    this.#wake();
  }

  existenceChanged(): void {
    this.#wake();
  }

  async run(sink: Sink): Promise<FollowEnd> {
    const watch = this.#watch;
    while (watch && !this.#isStopped) {
      if (!watch.exists && !this.#isKept) return "deleted";
      const pending = this.#pending;
      const isShared = this.#own === undefined && !this.#isVisible;
      this.#pending = undefined;
      this.#own = undefined;
      if (pending === "all") await this.#sendAll(watch, sink);
      else if (pending) await this.#sendEvents(this.#events(watch, pending, isShared), sink);
      else await this.#change();
      await sink.drained(BUDGET_BYTES);
    }
    return "gone";
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  leave(): void {
    this.#release();
  }

  /** Sends all rows as one event, in several frames. Rows that change meanwhile are reported as changes. */
  async #sendAll({ rows, next }: FolderWatch, sink: Sink): Promise<void> {
    let text = `event: list\ndata: {"path":${JSON.stringify(`/${this.#below}`)},"entries":[`;
    let separator = "";
    /** The last row that the client may see: it must not learn the name of another one. */
    let last = this.#isVisible ? "" : next;
    let left = rows.size;
    for (const each of rows.all) {
      if (this.#isStopped) return;
      if (left-- === 0) break;
      if (this.#isVisible && !this.#isVisible(each)) continue;
      const isListed = next !== undefined && compareNames(each.name, next) <= 0;
      if (isListed && last !== undefined && compareNames(each.name, last) > 0) last = each.name;
      text += `${separator}${formatRow(each)}`;
      separator = ",";
      if (text.length < PIECE_LENGTH) continue;
      this.#send(sink, frameOf(text));
      text = "";
      await sink.drained(BUDGET_BYTES);
    }
    this.#send(sink, frameOf(`${text}]${next === undefined ? "" : `,"next":${JSON.stringify(last)}`}}\n\n`));
  }

  #events(watch: FolderWatch, names: ReadonlySet<string>, isShared: boolean): Iterable<Frame> {
    return isShared ? RowEvents.shared(watch, names) : RowEvents.alone(watch, names, this.#isVisible ?? (() => true));
  }

  async #sendEvents(events: Iterable<Frame>, sink: Sink): Promise<void> {
    for (const frame of events) {
      if (this.#isStopped) return;
      this.#send(sink, frame);
      await sink.drained(BUDGET_BYTES);
    }
  }

  #send(sink: Sink, frame: Frame): void {
    this.offset += frame.bytes.length;
    sink.send(frame);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** Sends a heartbeat, unless bytes wait already: they must not pile up for a client that does not read. */
function beat(sink: Sink): void {
  if (sink.pending <= BUDGET_BYTES) sink.send(frameOf("event: heartbeat\ndata: {}\n\n"));
}

function frameOf(text: string): Frame {
  return new Frame(ENCODER.encode(text), false);
}
