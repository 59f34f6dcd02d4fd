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
import { rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { StreamError } from "../../core/errors.ts";
import type { EndReason } from "../../core/store.ts";
import {
  AWAY,
  awayIn,
  claimsFolder,
  type Entry,
  entriesIn,
  judge,
  lastWord,
  ownEntries,
  removeEmpty,
  unheardWords,
  type Verdict,
  WATCH,
} from "./entries.ts";
import { isMissing } from "./errors.ts";
import { namesIn } from "./folder.ts";
import { LEASE_MS, type OwnedClaim, type Owner } from "./owner.ts";
import { replaceByCopy } from "./replace.ts";
import { type Reserved, removeFile, writeWhole } from "./reserved.ts";
import { isWanted } from "./wanted.ts";

/** How often two that want the same path at the same moment try again. */
const ATTEMPTS = 8;

/** Most milliseconds that they wait in between. */
const STEP_BACK_MS = 20;

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
  readonly #wanted = new AbortController();
  readonly #owned: OwnedClaim = { verify: () => this.#look(), listen: () => this.#listen() };
  #inherited = false;
  #released = false;

  private constructor(file: string, owner: Owner, reserved: Reserved) {
    this.#file = file;
    this.#folder = claimsFolder(reserved, file);
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
      await owner.begin(claim.#owned);
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

  /** Whether whoever had the file before has died over it, or fallen silent. */
  get isInherited(): boolean {
    return this.#inherited;
  }

  /** Aborts when somebody else has taken the path over. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Aborts when another process asks for the path. */
  get wanted(): AbortSignal {
    return this.#wanted.signal;
  }

  /** Whether the claim is certainly still ours. Looks at the disk only after a pause of the whole process. */
  isOurs(): boolean {
    if (!this.#owner.isFresh) this.#look();
    return !this.#lost.signal.aborted;
  }

  /** Leaves word of how it is about to end, where somebody watches: they hear it should this process die before. */
  async announce(ended: EndReason): Promise<void> {
    const names = await namesIn(this.#folder);
    if (this.#lost.signal.aborted || !names.some((name) => name.startsWith(WATCH))) return;
    await writeWhole(this.#reserved, this.#wordOf(ended), this.#owner.record, false);
  }

  /** Gives the path back, and tells those who watch how it ended; nothing where it never began. */
  async release(ended?: EndReason): Promise<void> {
    this.#released = true;
    try {
      await this.#release(ended);
    } finally {
      ownEntries.delete(this.#entry);
      held.delete(this.#file);
      await this.#owner.end(this.#owned);
    }
  }

  async #release(ended: EndReason | undefined): Promise<void> {
    if (this.#lost.signal.aborted) return this.#forsake();
    // At once the claim is gone and the word is there: those who watch saw the claim, or see the word.
    if (ended) await rename(this.#entry, this.#wordOf(ended)).catch(unlessMissing);
    else await removeFile(this.#entry);
    for (const word of unheardWords(await namesIn(this.#folder))) await removeFile(join(this.#folder, word));
    await removeEmpty(this.#folder);
  }

  #wordOf(ended: EndReason): string {
    return join(this.#folder, lastWord(basename(this.#entry), ended));
  }

  /** A claim that was lost has nothing to say about how the append goes on. */
  async #forsake(): Promise<void> {
    // Whoever took it away may put it back, when it sees us alive after we have seen it gone.
    const remove = (): Promise<void> => removeFile(this.#entry).catch(() => {});
    await remove();
    setTimeout(remove, LEASE_MS).unref?.();
  }

  async #take(path: string): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await isWanted(this.#reserved, this.#owner, this.#file)) break;
      if ((await this.#others()).some(({ verdict }) => verdict === "alive")) break;
      await this.#enter();
      const others = await this.#others();
      if (!others.some(({ verdict }) => verdict === "alive")) {
        for (const other of others) {
          this.#inherited = true;
          if (other.verdict === "silent") await this.#takeAway(other, path);
          else await removeFile(other.file);
        }
        await this.#fence();
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
    ownEntries.add(this.#entry);
    await writeWhole(this.#reserved, this.#entry, this.#owner.record, false);
  }

  /** Moves a silent owner's entry away: when it wakes up, it finds that it has lost the path. */
  async #takeAway(other: Entry, path: string): Promise<void> {
    const away = join(this.#folder, `${AWAY}${other.name}`);
    try {
      await rename(other.file, away);
    } catch (error) {
      // It woke up, and gave the path back.
      return unlessMissing(error);
    }
    if ((await judge(this.#reserved, { ...other, file: away }, this.#owner)) === "alive") {
      // It woke up between our two looks.
      await rename(away, other.file);
      throw new StreamError("conflict", `Another server process is appending to "/${path}" again.`, { path });
    }
  }

  /** Makes harmless whom an entry was taken away from, by us or by somebody who died over it. */
  async #fence(): Promise<void> {
    const away = await awayIn(this.#folder);
    if (away.length === 0) return;
    await replaceByCopy(this.#reserved, this.#file).catch(unlessMissing);
    for (const { file } of away) await removeFile(file);
  }

  async #listen(): Promise<void> {
    if (await isWanted(this.#reserved, this.#owner, this.#file)) this.#wanted.abort();
  }

  #look(): void {
    if (this.#released || this.#lost.signal.aborted) return;
    if (statSync(this.#entry, { throwIfNoEntry: false })) return;
    this.#lost.abort(new StreamError("fenced", "Another server process has taken the path over."));
  }
}

/** For a promise's catch: what is not there needs no removing. */
function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
