/**
 * The default store: a root folder in which every resource is a plain file at its URL's path.
 * @module
 */
import { existsSync, realpathSync, type Stats } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { clearTimeout, setTimeout } from "node:timers";
import { StreamError } from "../../core/errors.ts";
import { DEFAULT_LIMITS } from "../../core/limits.ts";
import { checkedPath } from "../../core/path.ts";
import type {
  AppendHandle,
  ClaimOptions,
  Growth,
  ListOptions,
  Store,
  StoreListing,
  StoreStat,
} from "../../core/store.ts";
import { Claim } from "./claim.ts";
import { DURABILITIES, type Durability } from "./durability.ts";
import { claimsFolder, holdersOf, lookAround } from "./entries.ts";
import { diskError, isMissing } from "./errors.ts";
import { makeFolderSync, namesIn } from "./folder.ts";
import { FileHandle } from "./handle.ts";
import { inFolderOf } from "./held-folder.ts";
import { GroupCommit } from "./journal/group-commit.ts";
import { Journal } from "./journal/journal.ts";
import { Recovery } from "./journal/recovery.ts";
import { assertListable, listFolder } from "./listing.ts";
import { openContent } from "./open-content.ts";
import { type Owner, ownerOf } from "./owner.ts";
import { place } from "./place.ts";
import { openToRead, readFile } from "./read.ts";
import { Contents } from "./records/known.ts";
import { Records } from "./records/records.ts";
import { assertOwn, assertOwnFolders, keyOf, type Reserved, reservedIn } from "./reserved.ts";
import { FileSessions } from "./sessions.ts";
import { sweep } from "./sweep.ts";
import { ask } from "./wanted.ts";
import { watchFile } from "./watch.ts";

/** How to open a {@link fileStore}. */
export interface FileStoreOptions {
  /** The root folder; made when it does not exist. Default `./data`. */
  root?: string;
  /** How much one read takes, in bytes. Default 384 KiB. */
  readBytes?: number;
  /**
   * What it takes for a byte to count as stored, and so to be acknowledged and sent to followers. `os`: the operating
   * system has it; it survives a crash of the server. `disk`: the disk has it; it survives a power cut. Default `os`.
   */
  durability?: Durability;
}

/** Milliseconds after which what may be left over is looked at again. */
const TIDY_MS = 20 * 60 * 1000;

/** Grows with every claim in this process. */
let lastEpoch = 0;

/**
 * A store of plain files: the resource `build/42.log` is the file `build/42.log` under the root, byte for byte.
 *
 * @throws {StreamError} `denied`, `path_conflict` or `storage` when the root can't be made or opened.
 * @throws {TypeError} for an empty `root`, or a `durability` that there is not.
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
  // It would mean the working directory, and mostly comes from a variable that is not set.
  if (root === "") throw new TypeError('The root folder has no name. For the working directory say ".".');
  const folder = resolve(root);
  try {
    makeFolderSync(folder);
    return new FileStore(realpathSync(folder), readBytes, durability === "disk");
  } catch (error) {
    const { code, message } = isMissing(error)
      ? new StreamError("storage", `nothing can be made in ${dirname(folder)}.`)
      : diskError(error, "");
    const why = message.replace(/^.*?: /, "");
    throw new StreamError(code, `The root folder ${folder} can't be used: ${why}`, { path: folder, cause: error });
  }
}

class FileStore implements Store {
  readonly #root: string;
  readonly sessions: FileSessions;
  readonly #records: Records;
  readonly #contents: Contents;
  readonly #readBytes: number;
  readonly #commit: GroupCommit | undefined;
  readonly #reserved: Reserved;
  readonly #owner: Owner;
  readonly #recovery: Recovery;
  #tidying: ReturnType<typeof setTimeout> | undefined;

  constructor(root: string, readBytes: number, durable: boolean) {
    this.#root = root;
    this.#readBytes = readBytes;
    this.#reserved = reservedIn(root);
    assertOwnFolders(this.#reserved);
    this.#owner = ownerOf(root, this.#reserved);
    this.#recovery = new Recovery(root, this.#reserved, this.#owner);
    this.#commit = durable ? new GroupCommit(new Journal(root, this.#reserved, this.#owner)) : undefined;
    this.sessions = new FileSessions(this.#reserved, durable);
    this.#records = new Records(this.#reserved);
    this.#contents = new Contents(root, this.#reserved, this.#records, durable);
  }

  async stat(path: string): Promise<StoreStat | undefined> {
    if (path === "") return undefined;
    await this.#ready();
    let file: string | undefined;
    try {
      file = await place(this.#root, path);
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
    // That it can't be read is said now, while there is still somebody to say it to; when the bytes are read, their
    // headers have left.
    const wasAppended = await this.#isAppended(file, path);
    const { opened, stats, known } = await this.#contents.at(file, () => openToRead(this.#root, path));
    try {
      let { ended, ...content } = known;
      // An append that has begun since the first look stands on record as one without an end; it may be over by now.
      const isDoubtful = ended === "lost" && !wasAppended;
      const isAppended = wasAppended || (isDoubtful && (await this.#isAppended(file, path)));
      if (isDoubtful && !isAppended) ({ ended, ...content } = await this.#contents.of({ file, opened }));
      const state = isAppended || ended === undefined ? { appending: true } : { appending: false, ended };
      return { size: stats.size, modified: stats.mtime, ...content, ...state };
    } finally {
      await opened.close();
    }
  }

  /** Whether somebody appends, in whichever process, or a session waits for its appender. */
  async #isAppended(file: string, path: string): Promise<boolean> {
    if (Claim.isHeld(file)) return true;
    if (existsSync(claimsFolder(this.#reserved, file))) {
      // What a hand has put in the place of the claims is no reason not to read.
      const holders = await holdersOf(this.#reserved, this.#owner, file).catch(() => []);
      if (holders.length > 0) return true;
    }
    return this.sessions.mayBeOpen(path) && (await this.sessions.find(path)) !== undefined;
  }

  async claim(
    path: string,
    { create = true, signal, type, check, spareMs = 0 }: ClaimOptions = {},
  ): Promise<AppendHandle> {
    signal?.throwIfAborted();
    checkedPath(path.split("/"));
    await this.#ready();
    const file = await place(this.#root, path);
    try {
      const parts = { reserved: this.#reserved, owner: this.#owner, file, path, check, spareMs };
      const claim = await Claim.take(parts);
      return await this.#open(file, path, claim, { create, type });
    } catch (error) {
      throw diskError(error, path);
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
      const real = await place(this.#root, path);
      await assertListable(this.#root, real);
      const follow = (link: string) => this.#stats(link);
      const appended = () => this.#appended();
      return listFolder({ ...options, root: this.#root, path, real, follow, appended });
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw diskError(error, path);
    }
  }

  async remove(path: string): Promise<boolean> {
    const file = await place(this.#root, path);
    if (Claim.isHeld(file) || (await holdersOf(this.#reserved, this.#owner, file)).length > 0)
      throw new StreamError("conflict", `Somebody is appending to "/${path}".`, { path });
    try {
      return await inFolderOf(this.#root, file, async (folder, name) => {
        // Asked first, for on Deno an empty folder can be unlinked.
        if (!(await lstat(folder.at(name))).isFile()) return false;
        await folder.verify();
        await unlink(folder.at(name));
        this.#contents.forget(file);
        return true;
      });
    } catch (error) {
      if (isAbsence(error)) return false;
      throw diskError(error, path);
    }
  }

  async tidy(): Promise<void> {
    assertOwnFolders(this.#reserved);
    // Who has died since may have left something, too, and when its claims are gone nothing tells of that any more.
    await this.#recovery.again();
    await sweep(this.#reserved, this.#owner);
    await lookAround(this.#reserved, this.#owner);
    // What may be left over is looked at again, until it is known.
    clearTimeout(this.#tidying);
    if (this.#owner.leftovers.size === 0) return;
    this.#tidying = setTimeout(() => void this.tidy().catch(() => {}), TIDY_MS).unref();
  }

  async watch(path: string, signal: AbortSignal): Promise<AsyncGenerator<Growth, void, void> | undefined> {
    await this.#ready();
    const file = await place(this.#root, path);
    if ((await holdersOf(this.#reserved, this.#owner, file)).length === 0) return undefined;
    const resumable = async () => (await this.sessions.find(path)) !== undefined;
    return watchFile({ reserved: this.#reserved, owner: this.#owner, file, resumable, signal });
  }

  async ask(path: string): Promise<() => Promise<void>> {
    return ask(this.#reserved, this.#owner, await place(this.#root, path));
  }

  async #open(file: string, path: string, claim: Claim, options: ClaimOptions): Promise<AppendHandle> {
    try {
      // What the dead has left must not get into the file once there is more in it.
      if (claim.isInherited) await this.#recovery.again();
      const { create = true, type } = options;
      const mine = { root: this.#root, records: this.#records, commit: this.#commit };
      return await FileHandle.open({ ...mine, file, path, epoch: ++lastEpoch, claim, type }, create);
    } catch (error) {
      await claim.release();
      throw error;
    }
  }

  /** What the store keeps for itself stays below the root, too. */
  #ready(): Promise<void> {
    assertOwn(this.#reserved);
    return this.#recovery.once();
  }

  /** What is at a path, if it is below the root. */
  async #stats(path: string): Promise<Stats> {
    return this.#statsOf(await place(this.#root, path));
  }

  async #statsOf(file: string): Promise<Stats> {
    if (file === this.#root) return lstat(file);
    return inFolderOf(this.#root, file, async (folder, name) => {
      const found = await lstat(folder.at(name));
      await folder.verify();
      return found;
    });
  }

  /** Tells which of many files are being appended to: a look at the disk for all of them, and one for those that may be. */
  async #appended(): Promise<(path: string, file: string) => Promise<boolean> | boolean> {
    const { claims, sessions } = this.#reserved;
    const [claimed, open] = await Promise.all([namesIn(claims), namesIn(sessions)]);
    const keys = { claimed: new Set(claimed), open: new Set(open) };
    return (path, file) => {
      const maybe =
        (keys.claimed.size > 0 && keys.claimed.has(keyOf(file))) ||
        (keys.open.size > 0 && keys.open.has(`${keyOf(path)}.json`));
      return maybe && this.#isAppended(file, path);
    };
  }
}

/** Whether an error means that nothing readable is at the path. */
function isAbsence(error: unknown): boolean {
  return isMissing(error) || ["path_conflict", "bad_path"].includes(diskError(error, "").code);
}
