/**
 * Open sessions on disk: one small file per session, written whole or not at all.
 * @module
 */
import { existsSync, lstatSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { SessionClaim, SessionRecord, SessionRecords } from "../../engine/storage/store.ts";
import { diskError, errorCode } from "./folders/errors.ts";
import { namesIn } from "./folders/folder.ts";
import { entryIn } from "./folders/names.ts";
import { readJsonFile, removeFileNow } from "./reserved/atomic-write.ts";
import { type FencedFile, removeFenced, writeFenced } from "./reserved/fenced-file.ts";
import { keyOf, type Reserved } from "./reserved/layout.ts";

/** The sessions of one root. */
export class FileSessions implements SessionRecords {
  readonly #reserved: Reserved;
  readonly #durable: boolean;

  /** @param durable Whether a saved session must be on the disk when `save` resolves. */
  constructor(reserved: Reserved, durable: boolean) {
    this.#reserved = reserved;
    this.#durable = durable;
  }

  async save(record: SessionRecord, claim?: SessionClaim): Promise<void> {
    const text = `${JSON.stringify(record)}\n`;
    const mayWrite = claim && (() => claim.isOurs());
    try {
      await writeFenced(this.#fenced(record.path), { text, durable: this.#durable, mayWrite });
    } catch (error) {
      throw diskError(error, record.path);
    }
  }

  async find(path: string): Promise<SessionRecord | undefined> {
    try {
      // Most paths have no session: this check costs less than a trip through the thread pool.
      if (!lstatSync(this.#file(path), { throwIfNoEntry: false })) return undefined;
      const record = await readJsonFile(this.#file(path));
      return isRecord(record) && record.path === path ? record : undefined;
    } catch (error) {
      // A file may be in the place of the folder until the store is tidied.
      if (errorCode(error) === "ENOTDIR") return undefined;
      throw diskError(error, path);
    }
  }

  /** Whether a path may have an open session: a cheap check, since most paths have no session. */
  mayBeOpen(path: string): boolean {
    return existsSync(this.#file(path));
  }

  async remove(path: string, claim?: SessionClaim): Promise<void> {
    try {
      if (claim) removeFenced(this.#fenced(path), () => claim.isOurs());
      else removeFileNow(this.#file(path));
    } catch (error) {
      throw diskError(error, path);
    }
  }

  async list(): Promise<SessionRecord[]> {
    const found: SessionRecord[] = [];
    for (const name of await namesIn(this.#reserved.sessions)) {
      const file = join(this.#reserved.sessions, name);
      // Leave alone what cannot be read, and what has gone since the folder was listed.
      const record = await readJsonFile(file).catch(() => undefined);
      if (isRecord(record) && this.#file(record.path) === file) found.push(record);
      // Torn or tampered with: it can resume nothing, and must not block a path.
      else if (record !== undefined) await rm(file, { recursive: true, force: true });
    }
    return found;
  }

  #fenced(path: string): FencedFile {
    return { reserved: this.#reserved, file: this.#file(path), path };
  }

  #file(path: string): string {
    return entryIn(this.#reserved.sessions, `${keyOf(path)}.json`);
  }
}

function isRecord(value: unknown): value is SessionRecord {
  if (typeof value !== "object" || value === null) return false;
  const { path, digest, graceLeftMs = 0 } = value as Partial<SessionRecord>;
  const isCounted = typeof graceLeftMs === "number" && graceLeftMs >= 0;
  return typeof path === "string" && typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest) && isCounted;
}
