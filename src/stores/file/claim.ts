/**
 * A claim of a path that other processes respect: an entry in the path's folder of claims.
 *
 * Whoever wants a path makes an entry and looks again: it has the path if no other living entry is there. A dead
 * process's entry is simply removed. A silent one's may wake up at any moment, even in the middle of a write; so its
 * entry is moved away first, and then the file is replaced by a copy of itself: what the sleeper still writes goes into
 * a file that has no name any more.
 * @module
 */

import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { chmod, constants, copyFile, mkdir, readdir, rename, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { StreamError } from "../../core/errors.ts";
import type { EndReason } from "../../core/store.ts";
import { isMissing } from "./errors.ts";
import { LEASE_MS, type Owner, type OwnerRecord } from "./owner.ts";
import { isDead } from "./process-identity.ts";
import { keyOf, type Reserved, readWhole, removeFile, writeWhole } from "./reserved.ts";

/** How often two that want the same path at the same moment try again. */
const ATTEMPTS = 8;

/** Most milliseconds that they wait in between. */
const STEP_BACK_MS = 20;

/** What an entry says, and where it is. */
interface Entry {
  readonly file: string;
  readonly owner: OwnerRecord;
}

/** What is to be thought of an entry's owner. */
type Verdict = "alive" | "dead" | "silent";

/** The files that this process holds, whichever store they were claimed through. */
const held = new Set<string>();

/** A claim of a file, held by this process. */
export class Claim {
  readonly #file: string;
  readonly #folder: string;
  readonly #entry: string;
  readonly #owner: Owner;
  readonly #reserved: Reserved;
  readonly #lost = new AbortController();
  readonly #verify = (): void => this.#look();

  private constructor(file: string, owner: Owner, reserved: Reserved) {
    this.#file = file;
    this.#folder = join(reserved.claims, keyOf(file));
    this.#entry = join(this.#folder, `${Date.now()}-${randomUUID()}`);
    this.#owner = owner;
    this.#reserved = reserved;
  }

  /**
   * Claims a file.
   *
   * @throws {StreamError} `conflict` when a living process has it.
   */
  static async take(reserved: Reserved, owner: Owner, file: string, path: string): Promise<Claim> {
    if (held.has(file))
      throw new StreamError("conflict", `Somebody else is appending to "/${path}" already.`, { path });
    held.add(file);
    const claim = new Claim(file, owner, reserved);
    try {
      await owner.begin(claim.#verify);
      await claim.#take(path);
      return claim;
    } catch (error) {
      await claim.release();
      throw error;
    }
  }

  /** Whether this process holds a file. */
  static isHeld(file: string): boolean {
    return held.has(file);
  }

  /** Aborts when somebody else has taken the path over. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether the claim is certainly still ours. Looks at the disk only after a pause of the whole process. */
  isOurs(): boolean {
    if (!this.#owner.isFresh) this.#look();
    return !this.#lost.signal.aborted;
  }

  /** Gives the path back, and tells those who watch how it ended. */
  async release(ended: EndReason = "lost"): Promise<void> {
    try {
      await this.#release(ended);
    } finally {
      held.delete(this.#file);
      await this.#owner.end(this.#verify);
    }
  }

  async #release(ended: EndReason): Promise<void> {
    // A claim that was lost has nothing to say about how the append goes on.
    if (this.#lost.signal.aborted) return;
    const watched = (await names(this.#folder)).some((name) => name.startsWith("watch-"));
    const word = { entry: this.#entry, ended };
    // Where it can't be left, as on a full disk, they take the append for lost; the path must be free all the same.
    if (watched) await writeWhole(this.#reserved, join(this.#folder, "ended"), word, false).catch(() => {});
    await removeFile(this.#entry);
    await removeEmpty(this.#folder);
  }

  async #take(path: string): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if ((await this.#others()).some(({ verdict }) => verdict === "alive")) break;
      await this.#enter();
      const others = await this.#others();
      if (!others.some(({ verdict }) => verdict === "alive")) {
        for (const other of others) {
          if (other.verdict === "silent") await this.#fence(other, path);
          else await removeFile(other.file);
        }
        await removeFile(join(this.#folder, "ended"));
        return;
      }
      // Somebody entered at the same moment. Both step back, and try again at different moments.
      await removeFile(this.#entry);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * STEP_BACK_MS));
    }
    throw new StreamError("conflict", `Another server process is appending to "/${path}" already.`, { path });
  }

  async #others(): Promise<(Entry & { verdict: Verdict })[]> {
    const others = (await entriesIn(this.#folder)).filter(({ file }) => file !== this.#entry);
    return Promise.all(
      others.map(async (other) => ({ ...other, verdict: await judge(this.#reserved, other, this.#owner) })),
    );
  }

  async #enter(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await writeWhole(this.#reserved, this.#entry, this.#owner.record, false);
        return;
      } catch (error) {
        // Whoever released the path last may have removed the folder just now.
        if (!isMissing(error) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Takes a silent owner's claim away for good. */
  async #fence(other: Entry, path: string): Promise<void> {
    await mkdir(this.#reserved.temporary, { recursive: true });
    const away = join(this.#reserved.temporary, randomUUID());
    await rename(other.file, away);
    if ((await judge(this.#reserved, { ...other, file: away }, this.#owner)) === "alive") {
      // It woke up between our two looks.
      await rename(away, other.file);
      throw new StreamError("conflict", `Another server process is appending to "/${path}" again.`, { path });
    }
    await replaceByCopy(this.#reserved, this.#file);
    await removeFile(away);
  }

  #look(): void {
    if (this.#lost.signal.aborted || statSync(this.#entry, { throwIfNoEntry: false })) return;
    this.#lost.abort(new StreamError("fenced", "Another server process has taken the path over."));
  }
}

/** The entry of a living owner other than this process, if there is one. */
export async function holderOf(reserved: Reserved, owner: Owner, file: string): Promise<Entry | undefined> {
  for (const entry of await entriesIn(join(reserved.claims, keyOf(file)))) {
    if (entry.owner.id !== owner.record.id && (await judge(reserved, entry, owner)) !== "dead") return entry;
  }
  return undefined;
}

/** Removes what processes that have gone left behind. */
export async function sweepClaims(reserved: Reserved, owner: Owner): Promise<void> {
  for (const key of await names(reserved.claims)) {
    const folder = join(reserved.claims, key);
    const entries = await entriesIn(folder);
    const verdicts = await Promise.all(entries.map((entry) => judge(reserved, entry, owner)));
    for (const [index, { file }] of entries.entries()) if (verdicts[index] === "dead") await removeFile(file);
    if (verdicts.every((verdict) => verdict === "dead")) {
      for (const name of await names(folder)) await removeFile(join(folder, name));
    }
    await removeEmpty(folder);
  }
  for (const id of await names(reserved.servers)) {
    const record = await readWhole(join(reserved.servers, id));
    if (!isOwnerRecord(record) || isDead(record, owner.record)) await removeFile(join(reserved.servers, id));
  }
}

async function judge(reserved: Reserved, { owner }: Entry, self: Owner): Promise<Verdict> {
  if (owner.id === self.record.id) return "alive";
  if (isDead(owner, self.record)) return "dead";
  try {
    const { mtimeMs } = await stat(join(reserved.servers, owner.id));
    return Date.now() - mtimeMs > LEASE_MS ? "silent" : "alive";
  } catch (error) {
    if (!isMissing(error)) throw error;
    return "silent";
  }
}

async function entriesIn(folder: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const name of await names(folder)) {
    if (!/^[0-9]/.test(name)) continue;
    const file = join(folder, name);
    const owner = await readWhole(file);
    if (isOwnerRecord(owner)) entries.push({ file, owner });
  }
  return entries;
}

function isOwnerRecord(value: unknown): value is OwnerRecord {
  if (typeof value !== "object" || value === null) return false;
  const { id, pid, started, scope } = value as Partial<OwnerRecord>;
  return typeof id === "string" && typeof pid === "number" && typeof started === "string" && typeof scope === "string";
}

async function replaceByCopy(reserved: Reserved, file: string): Promise<void> {
  const copy = join(reserved.temporary, randomUUID());
  try {
    const { mode } = await stat(file);
    await copyFile(file, copy, constants.COPYFILE_FICLONE);
    await chmod(copy, mode);
    await rename(copy, file);
  } catch (error) {
    await removeFile(copy);
    if (!isMissing(error)) throw error;
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function removeEmpty(folder: string): Promise<void> {
  // Not empty, or gone already: both are fine.
  await rmdir(folder).catch(() => {});
}
