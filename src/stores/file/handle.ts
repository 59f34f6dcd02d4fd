/**
 * The right to append to one file.
 * @module
 */
import type { Stats } from "node:fs";
import { dirname } from "node:path";
import type { AppendHandle } from "../../engine/storage/store.ts";
import type { StreamChange, StreamState } from "../../engine/storage/stream-state.ts";
import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { Claim } from "./claims/claim.ts";
import { fenced } from "./claims/survey.ts";
import { changeOf, statsAt, WRITTEN_TO } from "./files/change.ts";
import { type OpenedToAppend, openToAppend } from "./files/open.ts";
import { storedPart } from "./files/stored-part.ts";
import { Writer } from "./files/writer.ts";
import { diskError } from "./folders/errors.ts";
import { nameBelow } from "./folders/names.ts";
import type { OpenFile } from "./folders/opened-file.ts";
import type { HandleParts } from "./handle-parts.ts";
import { DiskFile } from "./journal/disk-file.ts";
import type { GroupCommit } from "./journal/group-commit.ts";
import { AppendRecord } from "./records/append-record.ts";
import { type LiveContent, liveContents } from "./records/live-contents.ts";
import type { StreamRecord } from "./records/stream-record.ts";
import { flushFolders } from "./reserved/fsync.ts";
import { recoverStream, StreamLog } from "./streams/stream-log.ts";

/** Appends to a file, and detects changes by other programs. */
export class FileAppendHandle implements AppendHandle, LiveContent {
  readonly created: boolean;
  readonly epoch: number;
  fate: "deleted" | "replaced" | "failed" | undefined;
  readonly #file: string;
  readonly #path: string;
  readonly #opened: OpenFile;
  readonly #inode: number;
  readonly #device: number;
  #links: number;
  readonly #disk: DiskFile;
  readonly #writer: Writer;
  readonly #claim: Claim;
  readonly #commit: GroupCommit | undefined;
  readonly #content: AppendRecord;
  readonly #log: StreamLog;
  readonly #made: OpenedToAppend;
  readonly #reached = (): number | undefined => (this.#claim.isOurs() ? this.#offset : undefined);
  #offset: number;
  #released = false;
  #begun = false;

  private constructor(made: OpenedToAppend, found: Stats, content: [AppendRecord, StreamLog], parts: HandleParts) {
    const { root, file, path, epoch, claim, commit } = parts;
    const { opened, isNew } = made;
    this.#opened = opened;
    this.created = isNew;
    this.#made = made;
    [this.#content, this.#log] = content;
    this.#writer = new Writer(opened);
    this.#disk = new DiskFile(opened, nameBelow(root, file), found, () => this.#log.flush());
    this.#inode = found.ino;
    this.#device = found.dev;
    this.#links = found.nlink;
    this.#offset = found.size;
    this.#file = file;
    this.#path = path;
    this.#claim = claim;
    this.#commit = commit;
    this.epoch = epoch;
  }

  /**
   * Opens a claimed file for appending, at its end.
   *
   * @throws {StreamError} `path_conflict` if it is not a regular file, `fenced` if another process has taken the path
   * over; errors of the operating system as they are.
   */
  static async open(parts: HandleParts, create: boolean): Promise<FileAppendHandle> {
    const { root, file, path, claim, commit, records, logs, type } = parts;
    const name = nameBelow(root, file);
    let former: StreamRecord | undefined;
    const onCreate = (): void => {
      former = records.readNow(name);
    };
    const made = await openToAppend({ root, file, path, onCreate }, create);
    const { opened, isNew, readable } = made;
    const recorded = (): string | undefined => records.readNow(name)?.generation;
    const isOurs = (): boolean => claim.isOurs(true);
    const onCut = async (): Promise<void> => commit?.retire();
    const claimed = { files: logs, name, opened, readable, isNew, recorded, isOurs, onCut };
    try {
      const logged = await recoverStream(claimed);
      const found = await opened.stat();
      if (!found.isFile()) throw new StreamError("path_conflict", `"/${path}" is not a regular file.`, { path });
      if (commit && create) await flushFolders(dirname(file), root);
      // This size counts as stored, but the process that wrote the bytes may have died before it flushed them.
      if (commit && found.size > 0) await opened.datasync();
      // Check again after opening: a takeover before this point has replaced the file under its name.
      if (!claim.isOurs(true)) throw fenced(path);
      const judged = { fd: opened.fd, readable, size: found.size, isNew, former, isOurs: () => claim.isOurs() };
      const remembered = { root, records, name, durable: commit !== undefined, type };
      const content = await AppendRecord.open({ ...remembered, ...judged });
      const log = await StreamLog.open(claimed, logged, content.generation, claim.isInherited);
      const handle = new FileAppendHandle(made, found, [content, log], parts);
      liveContents.set(file, handle);
      return handle;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  get offset(): number {
    return this.#offset;
  }

  get generation(): string {
    return this.#content.generation;
  }

  get type(): string | undefined {
    return this.#content.type;
  }

  get stream(): StreamState | undefined {
    return this.#log.state;
  }

  /** Whether no other process has taken the path over. */
  get isOurs(): boolean {
    return this.#claim.isOurs();
  }

  /** Whether the file at the path now is the one that is appended to, with all bytes that were appended. */
  covers({ ino, dev, size }: Stats): boolean {
    return ino === this.#inode && dev === this.#device && size >= this.#offset && this.isOurs;
  }

  /** A record of the bytes that this process appended, even if the file was replaced since. */
  proof(): StreamRecord {
    return this.#content.proofAt(this.#offset);
  }

  get revoked(): AbortSignal {
    return this.#claim.revoked;
  }

  isRevoked(): boolean {
    // On the disk: the clock of this process may have stood still meanwhile.
    return !this.#claim.isOurs(true);
  }

  get wasSilent(): boolean {
    return this.#claim.wasSilent;
  }

  get handoverRequested(): AbortSignal {
    return this.#claim.handoverRequested;
  }

  async append(batch: Uint8Array, change?: StreamChange): Promise<number> {
    if (this.#released) {
      throw new StreamError("fenced", `The claim of "/${this.#path}" was released.`, { path: this.#path });
    }
    const write = (isChecked = false): Promise<void> => this.#writeAndCheck(batch, note !== undefined, isChecked);
    let note: string | undefined;
    const from = this.#offset;
    try {
      const isFirst = !this.#begun;
      const begun = this.#begin();
      if (begun) await begun;
      this.#begun = true;
      if (change) note = await this.#log.prepare(from, batch, change);
      if (!this.#commit || batch.length === 0) {
        // The check of the first batch was made in this turn.
        await write(isFirst && !begun && !change);
        // At the level `disk`, all other notes are in the journal.
        if (this.#commit && note) await this.#log.flush();
      } else {
        this.#check();
        await this.#commit.store({ file: this.#disk, offset: this.#offset, bytes: batch, note, write });
      }
    } catch (error) {
      if (change) await this.#takeBack(from);
      throw diskError(error, this.#path);
    }
    if (change) this.#log.stored();
    this.#content.progressed(this.#reached);
    return this.#offset;
  }

  /** Records that an append has begun, before its first byte. Fails if another program has changed the file by then. */
  #begin(): Promise<void> | undefined {
    if (this.#begun) return undefined;
    this.#check();
    return this.#content.begin(this.#offset);
  }

  /**
   * Writes a batch. Checks before, so that nothing is written into a file that is not ours any more, and after, so that
   * no byte is published at another offset than it has in the file.
   *
   * @param isNoted Whether the log has a note of it, which is written first.
   * @param isChecked Whether the check before was made already.
   */
  async #writeAndCheck(batch: Uint8Array, isNoted: boolean, isChecked: boolean): Promise<void> {
    if (!isChecked) this.#check();
    if (isNoted) this.#log.write();
    const start = this.#offset;
    try {
      for (let rest = batch; rest.length > 0; ) {
        const done = this.#writer.write(rest);
        const written = typeof done === "number" ? done : await done;
        this.#offset += written;
        rest = rest.subarray(written);
      }
    } catch (error) {
      const rest = { opened: this.#opened, readable: this.#made.readable, offset: this.#offset };
      // The next check finds foreign bytes.
      this.#offset += await storedPart({ ...rest, bytes: batch.subarray(this.#offset - start) });
      throw error;
    }
    try {
      this.#check();
    } catch (error) {
      this.#offset = start;
      throw error;
    }
  }

  /** Undoes a noted write that has failed, with the part that is stored: a noted write is stored whole or not at all. */
  async #takeBack(from: number): Promise<void> {
    if (!this.#claim.isOurs(true)) return;
    if (this.#offset > from) {
      await this.#opened.truncate(from).then(
        () => {
          this.#offset = from;
        },
        () => {},
      );
    }
    if (this.#offset === from) await this.#log.takeBack();
  }

  async verify(): Promise<void> {
    if (!this.#released) this.#check();
  }

  async leaveEndMarker(ended: EndReason): Promise<void> {
    // From here on, if the process dies, later readers learn the end, too.
    await this.#record(ended);
    await this.#claim.leaveEndMarker(ended);
  }

  discard(): Promise<void> {
    return this.release(undefined, this.created && this.#offset === 0);
  }

  async release(ended?: EndReason, isUnused = false): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    try {
      // Bytes that cannot be flushed now are still in the journal. An end that cannot be recorded reads as lost.
      const settled = this.#commit?.settle(this.#disk).catch(() => {});
      await Promise.all([settled, this.#record(ended).catch(() => {})]);
      await this.#log.close().catch(() => {});
      // Readers must not use the handle any more: its descriptor may soon belong to another file.
      liveContents.delete(this.#file);
      await this.#disk.close();
      if (isUnused && this.#claim.isOurs()) await this.#made.removeUnused().then(() => this.#content.forget());
    } finally {
      await this.#claim.release(ended);
    }
  }

  /** Records how the append ended, unless another process has taken the file over. */
  async #record(ended: EndReason | undefined): Promise<void> {
    this.#content.stop();
    if (!this.#claim.isOurs()) return;
    if (this.fate && this.fate !== "failed") await this.#content.replaced(this.fate);
    else await (ended === undefined ? this.#content.undo() : this.#content.end(ended, this.#offset));
  }

  /** Synchronous, because it takes three microseconds and a trip through the thread pool takes forty. */
  #check(): void {
    const found = statsAt(this.#file, this.#path);
    const isReplaced = found && (found.ino !== this.#inode || found.dev !== this.#device);
    // A takeover gives the file a second name, and then replaces it.
    const isDoubtful = isReplaced || found?.nlink !== this.#links;
    if (!this.#claim.isOurs(isDoubtful)) throw fenced(this.#path);
    if (found && !isReplaced) this.#links = found.nlink;
    const what = isReplaced ? "replaced" : changeOf(found, this.#offset);
    if (what) {
      // Bytes appended by another program do not change the content that was there.
      this.fate = !found ? "deleted" : what === WRITTEN_TO ? "failed" : "replaced";
      throw new StreamError("changed", `"/${this.#path}" was ${what} while it was appended to.`, { path: this.#path });
    }
  }
}
