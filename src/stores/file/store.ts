/**
 * The default store: a root folder in which every resource is a plain file at its URL's path.
 * @module
 */
import type { Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { clearTimeout, setTimeout } from "node:timers";
import { DEFAULT_LIMITS } from "../../engine/limits.ts";
import type {
  AppendHandle,
  ClaimOptions,
  Growth,
  ListOptions,
  Store,
  StoreListing,
  StoreStat,
} from "../../engine/storage/store.ts";
import { checkedPath } from "../../protocol/path.ts";
import { appendedFiles } from "./appended-files.ts";
import { Claim } from "./claims/claim.ts";
import { observeOwners } from "./claims/entries.ts";
import { type Owner, ownerOf } from "./claims/owner.ts";
import { type RootLease, rootLeaseOf } from "./claims/root-lease.ts";
import { sweep } from "./claims/sweep.ts";
import { DURABILITIES, type Durability } from "./durability.ts";
import { openToRead, readFile } from "./files/read.ts";
import { claimError, diskError, isAbsence } from "./folders/errors.ts";
import { nameBelow } from "./folders/names.ts";
import { inFolderOf } from "./folders/open-folder.ts";
import { resolveInRoot } from "./folders/resolve-in-root.ts";
import { freeBytesOf } from "./free-bytes.ts";
import { FileAppendHandle } from "./handle.ts";
import { type AppendPlaces, isAppended } from "./is-appended.ts";
import { GroupCommit } from "./journal/group-commit.ts";
import { Journal } from "./journal/journal.ts";
import { Recovery } from "./journal/recovery.ts";
import { assertListable, listFolder } from "./listing.ts";
import { openContent } from "./open-content.ts";
import { OtherProcesses } from "./other-processes.ts";
import { RecordFiles } from "./records/record-files.ts";
import { RecordReader } from "./records/record-reader.ts";
import { removeResource } from "./remove.ts";
import { assertUsable } from "./reserved/format.ts";
import { assertOwn, type Reserved, reservedIn } from "./reserved/layout.ts";
import { openRoot } from "./root.ts";
import { FileSessions } from "./sessions.ts";
import { FileStreams } from "./streams/file-streams.ts";
import { LogFiles } from "./streams/log-files.ts";
import { stateIn, withStream } from "./streams/seen-stream.ts";
import { FileSubscriptions } from "./subscriptions.ts";
import { usedBytesOf } from "./used-bytes.ts";

/** How to open a {@link fileStore}. */
export interface FileStoreOptions {
  /** The root folder. Created if it does not exist. Default `./data`. */
  root?: string;
  /** Bytes per read. Default 384 KiB. */
  readBytes?: number;
  /**
   * When a byte counts as stored, and so may be acknowledged and sent to followers. `os`: once the operating system has
   * it; it survives a crash of the server. `disk`: once the disk has it; it survives a power cut. Default `os`.
   */
  durability?: Durability;
}

/** Milliseconds between two checks of possible leftovers. */
const TIDY_MS = 20 * 60 * 1000;

/** Grows with every claim in this process. */
let lastEpoch = 0;

/**
 * A store of plain files: the resource `build/42.log` is the file `build/42.log` under the root, byte for byte.
 *
 * @throws {StreamError} `denied`, `path_conflict` or `storage` if the root cannot be created or opened.
 * @throws {TypeError} for an empty `root` or an unknown `durability`.
 * @example
 * ```ts
 * const store = fileStore({ root: "/var/lib/streams" });
 * ```
 */
export function fileStore(options: FileStoreOptions = {}): Store {
  const { root = "./data", readBytes = DEFAULT_LIMITS.readBytes, durability = "os" } = options;
  if (!DURABILITIES.includes(durability)) {
    throw new TypeError(`The durability is "os" or "disk", not ${JSON.stringify(durability)}.`);
  }
  return openRoot(root, (realRoot) => new FileStore(realRoot, readBytes, durability === "disk"));
}

class FileStore implements Store {
  readonly #root: string;
  readonly sessions: FileSessions;
  readonly streams: FileStreams;
  readonly subscriptions: FileSubscriptions;
  readonly #logs: LogFiles;
  readonly #records: RecordFiles;
  readonly #contents: RecordReader;
  readonly #readBytes: number;
  readonly #commit: GroupCommit | undefined;
  readonly #reserved: Reserved;
  readonly #owner: Owner;
  readonly #lease: RootLease;
  readonly #recovery: Recovery;
  readonly #others: OtherProcesses;
  #tidying: ReturnType<typeof setTimeout> | undefined;

  constructor(root: string, readBytes: number, durable: boolean) {
    this.#root = root;
    this.#readBytes = readBytes;
    this.#reserved = reservedIn(root);
    assertUsable(this.#reserved);
    this.#owner = ownerOf(root, this.#reserved);
    this.#lease = rootLeaseOf(this.#reserved, this.#owner);
    this.#logs = new LogFiles(this.#reserved, durable);
    this.#recovery = new Recovery(root, this.#reserved, this.#owner, (...notes) => this.#logs.restore(...notes));
    this.#commit = durable ? new GroupCommit(new Journal(root, this.#reserved, this.#owner)) : undefined;
    this.sessions = new FileSessions(this.#reserved, durable);
    const place = { reserved: this.#reserved, owner: this.#owner, lease: this.#lease };
    this.subscriptions = new FileSubscriptions(place, durable);
    this.#records = new RecordFiles(this.#reserved);
    this.#contents = new RecordReader(root, this.#reserved, this.#records, durable);
    const parts = { root, reserved: this.#reserved, files: this.#logs };
    this.#others = new OtherProcesses({
      ...{ root, reserved: this.#reserved, owner: this.#owner, sessions: this.sessions, logs: this.#logs },
      statOf: (path) => this.#statOf(path),
    });
    this.streams = new FileStreams({ ...parts, stateOf: async (path) => stateIn(await this.#statOf(path)) });
  }

  get #places(): AppendPlaces {
    return { reserved: this.#reserved, owner: this.#owner, lease: this.#lease, sessions: this.sessions };
  }

  freeBytes = (): Promise<number | undefined> => freeBytesOf(this.#root);
  usedBytes = (): Promise<number> => usedBytesOf(this.#root);

  async stat(path: string): Promise<StoreStat | undefined> {
    const found = await this.#statOf(path);
    return found?.stream?.incomplete ? undefined : found;
  }

  async #statOf(path: string): Promise<StoreStat | undefined> {
    if (path === "") return undefined;
    await this.#ready();
    let file: string | undefined;
    try {
      file = await resolveInRoot(this.#root, path);
      if (!(await this.#statsOf(file)).isFile()) return undefined;
      return await this.#look(file, path);
    } catch (error) {
      const failure = diskError(error, path);
      if (file !== undefined && failure.code === "not_found") this.#contents.forget(file);
      if (["not_found", "bad_path"].includes(failure.code)) return undefined;
      throw failure;
    }
  }

  async #look(file: string, path: string): Promise<StoreStat> {
    // Open the file now, so that an unreadable one is reported. When its bytes are read later, the response headers are
    // already sent.
    const wasAppended = await isAppended(this.#places, file, path);
    const { opened, stats, known } = await this.#contents.at(file, () => openToRead(this.#root, path));
    try {
      let { ended, ...content } = known;
      // The record has no end, so an append began after the first check. It may have ended since: check again.
      const isDoubtful = ended === "lost" && !wasAppended;
      const isAppendedNow = wasAppended || (isDoubtful && (await isAppended(this.#places, file, path)));
      if (isDoubtful && !isAppendedNow) ({ ended, ...content } = await this.#contents.of({ file, opened }));
      const appended = { appending: true, ...(isAppendedNow === "kept" && { kept: true }) };
      const state = isAppendedNow || ended === undefined ? appended : { appending: false, ended };
      const seen = { size: stats.size, modified: stats.mtime, ...content, ...state };
      return await withStream(seen, { name: nameBelow(this.#root, file), file, opened }, this.#logs);
    } finally {
      await opened.close();
    }
  }

  async claim(path: string, options: ClaimOptions = {}): Promise<AppendHandle> {
    const { create = true, signal, type, check, extraLeaseMs = 0, kept: isKept = false } = options;
    signal?.throwIfAborted();
    checkedPath(path.split("/"));
    await this.#ready();
    const file = await resolveInRoot(this.#root, path);
    try {
      const name = nameBelow(this.#root, file);
      const onCopy = (former: Stats, copy: Stats): void => this.#recovery.copied(name, former, copy);
      const own = { reserved: this.#reserved, owner: this.#owner, lease: this.#lease };
      const claim = await Claim.take({ ...own, file, path, check, onCopy, extraLeaseMs, isKept });
      return await this.#open(file, path, claim, { create, type });
    } catch (error) {
      throw claimError(error, path);
    }
  }

  read(...[path, from, to, signal, generation]: Parameters<Store["read"]>): ReadableStream<Uint8Array> {
    const open = async () => {
      await this.#ready();
      return openContent(this.#root, path, this.#contents, generation);
    };
    return readFile({ open, path, from, to, pieceBytes: this.#readBytes, signal });
  }

  async list(path: string, options: ListOptions = {}): Promise<StoreListing | undefined> {
    await this.#ready();
    try {
      const real = await resolveInRoot(this.#root, path);
      await assertListable(this.#root, real);
      const follow = async (link: string) => this.#statsOf(await resolveInRoot(this.#root, link));
      const isWritten = async (path: string, file: string) => (await isAppended(this.#places, file, path)) === true;
      const appended = () => appendedFiles(this.#reserved, this.#owner.record, isWritten);
      return listFolder({ ...options, root: this.#root, path, real, follow, appended });
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw diskError(error, path);
    }
  }

  async remove(path: string, check?: () => Promise<void>): Promise<boolean> {
    await this.#ready();
    const file = await resolveInRoot(this.#root, path);
    try {
      const removed = await removeResource({
        ...{ root: this.#root, reserved: this.#reserved, owner: this.#owner, lease: this.#lease },
        ...{ records: this.#records, logs: this.#logs, recovery: this.#recovery },
        durable: this.#commit !== undefined,
        ...{ file, path, check },
      });
      if (removed) this.#contents.forget(file);
      return removed;
    } catch (error) {
      if (isAbsence(error)) return false;
      throw diskError(error, path);
    }
  }

  async tidy(): Promise<void> {
    assertUsable(this.#reserved);
    // A process that has died since may have left bytes in its journal. Once its claims are gone, nothing points to
    // them.
    await this.#recovery.again();
    await sweep(this.#reserved, this.#owner);
    await observeOwners(this.#reserved, this.#owner);
    // Check possible leftovers again, until it is clear whether they are needed.
    clearTimeout(this.#tidying);
    if (this.#owner.leftovers.size === 0) return;
    this.#tidying = setTimeout(() => void this.tidy().catch(() => {}), TIDY_MS).unref();
  }

  async watch(path: string, signal: AbortSignal): Promise<AsyncGenerator<Growth, void, void> | undefined> {
    await this.#ready();
    return this.#others.watch(path, signal);
  }

  requestHandover = (path: string): Promise<() => Promise<void>> => this.#others.requestHandover(path);
  notices = (path: string, heard: () => void): (() => void) => this.#others.notices(path, heard);

  async #open(
    file: string,
    path: string,
    claim: Claim,
    { create, type }: { create: boolean; type: string | undefined },
  ): Promise<AppendHandle> {
    try {
      // Recover the dead owner's journal before the file gets more bytes.
      if (claim.isInherited) await this.#recovery.again();
      const mine = { root: this.#root, records: this.#records, logs: this.#logs, commit: this.#commit };
      const handle = await FileAppendHandle.open({ ...mine, file, path, epoch: ++lastEpoch, claim, type }, create);
      return this.#others.announced(handle, file);
    } catch (error) {
      await claim.release();
      throw error;
    }
  }

  /**
   * Checks that the store's own folder is below the root, and waits for the first recovery.
   *
   * @throws {StreamError} `storage` if the folder is a symbolic link.
   */
  #ready(): Promise<void> {
    assertOwn(this.#reserved);
    return this.#recovery.once();
  }

  async #statsOf(file: string): Promise<Stats> {
    if (file === this.#root) return lstat(file);
    return inFolderOf(this.#root, file, async (folder, name) => {
      const found = await lstat(folder.at(name));
      await folder.verify();
      return found;
    });
  }
}
