/**
 * A store that keeps everything in memory, for tests and for streams that need not outlive their server.
 * @module
 */

import { appenderConflict, belowResource, folderInPlace } from "../engine/storage/conflicts.ts";
import { checkListOptions } from "../engine/storage/list-options.ts";
import { compareNames } from "../engine/storage/name-order.ts";
import { rangeStream } from "../engine/storage/range-stream.ts";
import type {
  AppendHandle,
  ClaimOptions,
  ListOptions,
  SessionRecord,
  SessionRecords,
  Store,
  StoreEntry,
  StoreStat,
} from "../engine/storage/store.ts";
import { changedState, type StreamChange, type StreamState } from "../engine/storage/stream-state.ts";
import type { EndedReason, EndReason } from "../protocol/end-reason.ts";
import { StreamError } from "../protocol/errors.ts";
import { checkGeneration } from "../protocol/generation.ts";
import { checkedPath } from "../protocol/path.ts";
import { newGeneration } from "../support/token.ts";
import { MemoryStreams } from "./memory-streams.ts";
import { MemorySubscriptions } from "./memory-subscriptions.ts";

/** Bytes per read of a stream. */
const READ_BYTES = 256 * 1024;

interface Resource {
  bytes: Uint8Array;
  size: number;
  modified: Date;
  readonly generation: string;
  removed: boolean;
  ended: EndedReason;
  type: string | undefined;
  stream: StreamState | undefined;
}

/**
 * A store in memory. It behaves like the file store, but does not outlive its process.
 *
 * @example
 * ```ts
 * app.route("/streams", fstream({ store: memoryStore() }));
 * ```
 */
export function memoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  readonly isPrivate = true;
  readonly sessions: MemorySessions = new MemorySessions();
  readonly subscriptions: MemorySubscriptions = new MemorySubscriptions();
  readonly streams: MemoryStreams = new MemoryStreams(() => this.#resources);
  readonly #resources = new Map<string, Resource>();
  readonly #claimed = new Map<string, MemoryHandle>();
  #epoch = 0;

  async stat(path: string): Promise<StoreStat | undefined> {
    this.#refuseBelowFile(path);
    const found = this.#resources.get(path);
    if (!found || found.stream?.incomplete) return undefined;
    const { size, modified, generation, ended, type, stream } = found;
    const handle = this.#claimed.get(path);
    const appending = handle !== undefined || (await this.sessions.find(path)) !== undefined;
    const state = appending ? { appending, ...(handle?.isKept && { kept: true }) } : { appending, ended };
    return { size, modified, generation, ...state, ...(type !== undefined && { type }), ...(stream && { stream }) };
  }

  async claim(path: string, { create = true, signal, type, kept = false }: ClaimOptions = {}): Promise<AppendHandle> {
    signal?.throwIfAborted();
    checkedPath(path.split("/"));
    if (this.#claimed.has(path)) throw appenderConflict(path);
    this.#refuseBelowFile(path);
    this.#refuseFolder(path);
    // A content that was not completed is replaced.
    if (this.#resources.get(path)?.stream?.incomplete) this.#resources.delete(path);
    const known = this.#resources.get(path);
    const resource = known ?? (create ? this.#create(path) : undefined);
    if (!resource) throw new StreamError("not_found", `"/${path}" does not exist.`, { path });
    resource.type ??= type;
    const onRelease = (isUnused: boolean) => {
      this.#claimed.delete(path);
      if (isUnused) this.#resources.delete(path);
    };
    const handle = new MemoryHandle(path, resource, { created: !known, epoch: ++this.#epoch, isKept: kept, onRelease });
    this.#claimed.set(path, handle);
    return handle;
  }

  async usedBytes(): Promise<number> {
    let bytes = 0;
    for (const { size } of this.#resources.values()) bytes += size;
    return bytes;
  }

  read(...[path, from, to, signal, generation]: Parameters<Store["read"]>): ReadableStream<Uint8Array> {
    const resource = this.#resources.get(path);
    return rangeStream({
      from,
      to,
      pieceBytes: READ_BYTES,
      signal,
      read(into, at) {
        checkGeneration(path, generation, resource?.generation);
        if (!resource || resource.removed || resource.size < at + into.length) {
          throw new StreamError("changed", `"/${path}" has fewer bytes than were stored.`, { path });
        }
        into.set(resource.bytes.subarray(at, at + into.length));
        return into.length;
      },
    });
  }

  async list(folder: string, options: ListOptions = {}): Promise<StoreEntry[] | undefined> {
    checkListOptions(folder, options);
    const { after, limit } = options;
    const prefix = folder === "" ? "" : `${folder}/`;
    const entries = new Map<string, StoreEntry>();
    for (const [path, { size, modified }] of this.#resources) {
      if (!path.startsWith(prefix)) continue;
      const [name = "", ...deeper] = path.slice(prefix.length).split("/");
      if (deeper.length === 0) {
        const handle = this.#claimed.get(path);
        const appending = (handle !== undefined && !handle.isKept) || this.sessions.has(path);
        entries.set(name, { name, kind: "file", size, modified, appending });
      } else {
        const newest = Math.max(modified.getTime(), entries.get(name)?.modified.getTime() ?? 0);
        entries.set(name, { name, kind: "folder", size: 0, modified: new Date(newest), appending: false });
      }
    }
    if (entries.size === 0 && folder !== "") return undefined;
    const behind = [...entries.values()].filter(({ name }) => after === undefined || compareNames(name, after) > 0);
    return behind.sort((one, other) => compareNames(one.name, other.name)).slice(0, limit);
  }

  async remove(path: string, check?: () => Promise<void>): Promise<boolean> {
    const resource = this.#resources.get(path);
    if (!resource && !this.#claimed.has(path)) return false;
    // A claim would only drop it.
    if (resource?.stream?.incomplete && !this.#claimed.has(path)) return this.#resources.delete(path);
    const handle = await this.claim(path, { create: false });
    try {
      await check?.();
      if (resource) resource.removed = true;
      return this.#resources.delete(path);
    } finally {
      await handle.release();
    }
  }

  #create(path: string): Resource {
    const resource: Resource = {
      bytes: new Uint8Array(1024),
      size: 0,
      modified: new Date(),
      generation: newGeneration(),
      removed: false,
      ended: "unknown",
      type: undefined,
      stream: undefined,
    };
    this.#resources.set(path, resource);
    return resource;
  }

  #refuseBelowFile(path: string): void {
    for (let end = path.indexOf("/"); end !== -1; end = path.indexOf("/", end + 1)) {
      const above = path.slice(0, end);
      if (this.#resources.has(above)) throw belowResource(path, above);
    }
  }

  #refuseFolder(path: string): void {
    for (const other of this.#resources.keys()) {
      if (other.startsWith(`${path}/`)) throw folderInPlace(path);
    }
  }
}

/** Sessions that end with their process: no other process could continue a stream in its memory. */
class MemorySessions implements SessionRecords {
  readonly #records = new Map<string, SessionRecord>();

  async save(record: SessionRecord): Promise<void> {
    this.#records.set(record.path, record);
  }

  async find(path: string): Promise<SessionRecord | undefined> {
    return this.#records.get(path);
  }

  has(path: string): boolean {
    return this.#records.has(path);
  }

  async remove(path: string): Promise<void> {
    this.#records.delete(path);
  }

  async list(): Promise<SessionRecord[]> {
    return [...this.#records.values()];
  }
}

interface MemoryClaim {
  readonly created: boolean;
  readonly epoch: number;
  readonly isKept: boolean;
  readonly onRelease: (isUnused: boolean) => void;
}

class MemoryHandle implements AppendHandle {
  readonly created: boolean;
  readonly epoch: number;
  readonly isKept: boolean;
  readonly #path: string;
  readonly #resource: Resource;
  readonly #onRelease: (isUnused: boolean) => void;
  readonly #revoked = new AbortController();
  #released = false;
  #isUnused = false;

  constructor(path: string, resource: Resource, { created, epoch, isKept, onRelease }: MemoryClaim) {
    this.isKept = isKept;
    this.#path = path;
    this.#resource = resource;
    this.created = created;
    this.epoch = epoch;
    this.#onRelease = onRelease;
  }

  get offset(): number {
    return this.#resource.size;
  }

  get generation(): string {
    return this.#resource.generation;
  }

  get type(): string | undefined {
    return this.#resource.type;
  }

  get stream(): StreamState | undefined {
    return this.#resource.stream;
  }

  get revoked(): AbortSignal {
    return this.#revoked.signal;
  }

  async append(batch: Uint8Array, change?: StreamChange): Promise<number> {
    if (this.#released) {
      throw new StreamError("fenced", `The claim of "/${this.#path}" was released.`, { path: this.#path });
    }
    const resource = this.#resource;
    const size = resource.size + batch.length;
    if (size > resource.bytes.length) {
      const larger = new Uint8Array(Math.max(size, resource.bytes.length * 2));
      larger.set(resource.bytes.subarray(0, resource.size));
      resource.bytes = larger;
    }
    resource.bytes.set(batch, resource.size);
    resource.size = size;
    resource.modified = new Date();
    if (change) resource.stream = changedState(resource.stream, change);
    return size;
  }

  async discard(): Promise<void> {
    this.#isUnused = this.created && this.#resource.size === 0;
    await this.release();
  }

  async release(ended?: EndReason): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    // After a restart, no process can continue an append in memory.
    if (ended) this.#resource.ended = ended === "restarting" ? "lost" : ended;
    this.#onRelease(this.#isUnused);
  }
}
