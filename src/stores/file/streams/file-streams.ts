/**
 * The streams of a root, for {@link Store.streams}.
 * @module
 */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import type { StreamRecords, StreamState } from "../../../engine/storage/stream-state.ts";
import { namesIn } from "../folders/folder.ts";
import { resolveInRoot } from "../folders/resolve-in-root.ts";
import { readJsonFile, removeFile, writeJsonAtomic } from "../reserved/atomic-write.ts";
import { keyOf, type Reserved } from "../reserved/layout.ts";
import type { LogFiles } from "./log-files.ts";

/** The parts of {@link FileStreams}. */
export interface FileStreamsParts {
  readonly root: string;
  readonly reserved: Reserved;
  readonly files: LogFiles;
  /** The state of a path that exists; undefined for a plain file, and `null` if the path does not exist. */
  readonly stateOf: (path: string) => Promise<StreamState | undefined | null>;
}

/** The records of streams as files. */
export class FileStreams implements StreamRecords {
  readonly #parts: FileStreamsParts;

  constructor(parts: FileStreamsParts) {
    this.#parts = parts;
  }

  async find(path: string): Promise<StreamState | undefined> {
    const { files, reserved, stateOf } = this.#parts;
    // Most roots have no streams.
    if (!existsSync(reserved.durable)) return undefined;
    const name = await this.#nameOf(path);
    if (!files.has(name) && !files.hasAnnounced(name)) return undefined;
    const state = await stateOf(path);
    if (state !== null) return state;
    const logged = await files.read(name);
    if (logged?.state?.deleted) return logged.state;
    return await files.announced(name);
  }

  list(): Promise<string[]> {
    return this.#parts.files.list();
  }

  async prepareTombstone(path: string, tombstone: StreamState | undefined): Promise<void> {
    await this.#parts.files.prepareTombstone(await this.#nameOf(path), tombstone);
  }

  async writeTombstone(path: string, tombstone: StreamState): Promise<void> {
    const { files } = this.#parts;
    const name = await this.#nameOf(path);
    await files.write({ file: name, generation: "", number: 0, state: tombstone });
    await files.prepareTombstone(name, undefined);
  }

  async forget(path: string): Promise<void> {
    const { files } = this.#parts;
    const name = await this.#nameOf(path);
    await files.remove(name);
    await files.prepareTombstone(name, undefined);
  }

  async addFork(source: string, fork: string): Promise<void> {
    const { reserved, files } = this.#parts;
    await writeJsonAtomic(reserved, this.#forkPlace(source, fork), { fork }, files.durable);
  }

  async removeFork(source: string, fork: string): Promise<void> {
    await removeFile(this.#forkPlace(source, fork));
  }

  async forksOf(source: string): Promise<string[]> {
    const folder = this.#forksFolder(source);
    const forks: string[] = [];
    for (const name of await namesIn(folder)) {
      const { fork } = ((await readJsonFile(join(folder, name))) ?? {}) as { fork?: unknown };
      if (typeof fork === "string") forks.push(fork);
    }
    return forks;
  }

  async renew(path: string): Promise<void> {
    await writeJsonAtomic(this.#parts.reserved, await this.#usePlace(path), { use: randomUUID() }, false);
  }

  async renewal(path: string): Promise<string | undefined> {
    const { use } = ((await readJsonFile(await this.#usePlace(path))) ?? {}) as { use?: unknown };
    return typeof use === "string" ? use : undefined;
  }

  async #nameOf(path: string): Promise<string> {
    const { root } = this.#parts;
    return relative(root, await resolveInRoot(root, path));
  }

  async #usePlace(path: string): Promise<string> {
    return this.#parts.files.useOf(await this.#nameOf(path));
  }

  #forksFolder(source: string): string {
    return join(this.#parts.reserved.forks, keyOf(source));
  }

  #forkPlace(source: string, fork: string): string {
    return join(this.#forksFolder(source), `${keyOf(fork)}.json`);
  }
}
