/**
 * Copies one path from a store to another one, and verifies the copy.
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import type { AppendHandle, Store, StoreStat } from "../../engine/storage/store.ts";
import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { addDigest, readRange, type StoredRange } from "./digest.ts";
import { changeTo, isSameRecord, isSameState } from "./states.ts";

/** Bytes of the largest batch, if the store takes batches of any size. */
const BATCH_BYTES = 256 * 1024;

/** What to copy from where to where. */
export interface CopyParts {
  readonly from: Store;
  readonly to: Store;
  /** Whether to copy what is stored of paths that are being appended to. */
  readonly isLive: boolean;
  /** Whether to compare only. */
  readonly isCheck: boolean;
  readonly signal: AbortSignal;
  /** Called for bytes that were stored. */
  onBytes(bytes: number): void;
}

/**
 * What has become of a path. `copied`: bytes, or what is on record, were stored. `same`: it was there already. `open`: what
 * was stored is there, but it is being appended to. `gone`: it does not exist any more.
 */
export type Outcome = "copied" | "same" | "open" | "gone";

/** Why a path is not copied. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/**
 * Copies a path. If the destination has the beginning of the path, the rest is appended.
 *
 * @throws {Refusal} if it can't be copied, or differs. {@link StreamError}: what the stores throw.
 */
export async function copyPath(parts: CopyParts, path: string): Promise<Outcome> {
  const { from, isLive } = parts;
  const source = await from.stat(path);
  if (!source) return "gone";
  if (isOpen(source) && !isLive) {
    throw new Refusal("it is being appended to. Copy it again once that has ended, or use --live for what is stored.");
  }
  const outcome = await new PathCopy(parts, path, source).run();
  const now = await from.stat(path);
  const isSame = now !== undefined && now.generation === source.generation && now.size === source.size;
  if (isSame && isOpen(now) === isOpen(source)) return isOpen(source) ? "open" : outcome;
  if (isLive && now?.generation === source.generation) return "open";
  throw new Refusal("it has changed while it was copied. Run the command again.");
}

/** Whether an append is under way. A claim that is cached between requests is none. */
function isOpen({ appending = false, kept = false }: StoreStat): boolean {
  return appending && !kept;
}

/** The copy of one content of a path. */
class PathCopy {
  readonly #parts: CopyParts;
  readonly #path: string;
  readonly #source: StoreStat;
  /** Digests of the bytes so far. */
  readonly #ofSource: Hash = createHash("sha256");
  readonly #ofCopy: Hash = createHash("sha256");

  constructor(parts: CopyParts, path: string, source: StoreStat) {
    this.#parts = parts;
    this.#path = path;
    this.#source = source;
  }

  async run(): Promise<Outcome> {
    const { to, isCheck } = this.#parts;
    const { size } = this.#source;
    const copy = await to.stat(this.#path);
    if (copy) await this.#assertBeginning(copy);
    // The state of a path that is being appended to changes with every append.
    if (copy?.size === size && (isOpen(this.#source) || isSameRecord(this.#source, copy))) return "same";
    if (isCheck) throw this.#lacks(copy);
    await this.#complete(copy?.size ?? 0);
    return "copied";
  }

  /** Checks that what is there is the beginning of the source. */
  async #assertBeginning({ size, generation, type, stream }: StoreStat): Promise<void> {
    const { from, to } = this.#parts;
    const { size: whole, type: ownType, stream: ownStream } = this.#source;
    if (size > whole) throw new Refusal(`the destination has ${size} bytes of it, the source only ${whole}.`);
    if (stream && !ownStream) throw new Refusal("it is a stream in the destination, but not in the source.");
    if (type !== undefined && ownType !== undefined && type !== ownType) {
      throw new Refusal(`it has the type ${type} in the destination, not ${ownType}.`);
    }
    await Promise.all([
      addDigest(this.#ofSource, this.#range(from, 0, size, this.#source.generation)),
      addDigest(this.#ofCopy, this.#range(to, 0, size, generation)),
    ]);
    if (!this.#isSame()) {
      throw new Refusal("the destination has other bytes of it. Remove it there to have it copied.");
    }
  }

  /** Stores what is missing, and reads it again. */
  async #complete(from: number): Promise<void> {
    const { to, signal } = this.#parts;
    const { size, type, stream } = this.#source;
    // From here on, a removal of the source of a fork leaves a tombstone.
    if (stream?.fork && to.streams) await to.streams.addFork(stream.fork.source, this.#path);
    const handle = await to.claim(this.#path, { type, signal });
    try {
      if (handle.offset !== from) throw new Refusal("another program appends to it in the destination.");
      if (size > from && handle.stream?.closed) throw new Refusal("it is closed in the destination, with fewer bytes.");
      await this.#append(handle, from);
      await this.#record(handle);
    } catch (error) {
      // The stored bytes stay: the next run continues there.
      await handle.release(handle.offset > from ? "lost" : undefined).catch(() => {});
      throw error;
    }
    await handle.release(this.#end());
    await addDigest(this.#ofCopy, this.#range(to, from, size, handle.generation));
    if (!this.#isSame()) throw new Refusal("the destination returns other bytes than were stored there.");
  }

  async #append(handle: AppendHandle, from: number): Promise<void> {
    const { from: store, to, onBytes } = this.#parts;
    const { size, generation } = this.#source;
    const batchBytes = Math.min(BATCH_BYTES, to.maxBatchBytes ?? BATCH_BYTES);
    await readRange(this.#range(store, from, size, generation), async (piece) => {
      this.#ofSource.update(piece);
      for (let at = 0; at < piece.length; at += batchBytes) {
        const batch = piece.subarray(at, at + batchBytes);
        await handle.append(batch);
        onBytes(batch.length);
      }
    });
  }

  /** Puts on record what the source has: how it was created, producers, its lifetime, whether it is closed. */
  async #record(handle: AppendHandle): Promise<void> {
    const { to } = this.#parts;
    const { stream } = this.#source;
    const change = changeTo(stream, handle.stream);
    if (!change) return;
    if (!to.streams) throw new Refusal("it is a stream, and the destination keeps no records of streams.");
    await handle.append(new Uint8Array(0), change);
    if (!isSameState(stream, handle.stream)) {
      throw new Refusal("the destination has other records of the stream. Remove it there to have it copied.");
    }
  }

  /** How the append of the copy ends: as that of the source, and without an end if that is not on record. */
  #end(): EndReason | undefined {
    const { ended = "unknown" } = this.#source;
    // A later run replaces it.
    if (isOpen(this.#source)) return "lost";
    return ended === "unknown" ? undefined : ended;
  }

  #range(store: Store, from: number, to: number, generation: string): StoredRange {
    return { store, path: this.#path, from, to, generation, signal: this.#parts.signal };
  }

  #isSame(): boolean {
    return this.#ofSource.copy().digest("hex") === this.#ofCopy.copy().digest("hex");
  }

  #lacks(copy: StoreStat | undefined): Refusal {
    if (!copy) return new Refusal("the destination does not have it.");
    const missing = this.#source.size - copy.size;
    if (missing > 0) return new Refusal(`the destination lacks its last ${missing} bytes.`);
    return new Refusal("the destination has all of its bytes, but other records of it.");
  }
}

/**
 * Leaves the tombstones of streams that were removed, and of which forks are left.
 *
 * @throws {StreamError} What the stores throw.
 */
export async function copyTombstones({ from, to, isCheck }: CopyParts): Promise<void> {
  if (!from.streams || !to.streams || isCheck) return;
  for (const path of await from.streams.list()) {
    const state = await from.streams.find(path);
    if (!state?.deleted) continue;
    const known = await to.streams.find(path);
    if (known || (await to.stat(path))) continue;
    await to.streams.writeTombstone(path, state);
  }
}

/** Whether an error would meet every other path as well. */
export function isGeneral(error: unknown): boolean {
  return error instanceof StreamError && ["unavailable", "no_space"].includes(error.code);
}
