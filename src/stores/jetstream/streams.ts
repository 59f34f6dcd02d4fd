/**
 * The records of streams, for {@link Store.streams}.
 * @module
 */
import type { StreamRecords, StreamState } from "../../engine/storage/stream-state.ts";
import type { StreamNotes } from "./kept/stream-notes.ts";
import type { Opened } from "./opened.ts";

/** The records of streams: their states are with their bytes, the rest is kept beside them. */
export class JetStreamStreams implements StreamRecords {
  readonly #ready: () => Promise<Opened>;

  /** @param ready Resolves when the store is open. */
  constructor(ready: () => Promise<Opened>) {
    this.#ready = ready;
  }

  async find(path: string): Promise<StreamState | undefined> {
    const { looks, core } = await this.#ready();
    const { isThere, stream } = await looks.state(path);
    return isThere ? stream : core.notes.tombstone(path);
  }

  async list(): Promise<string[]> {
    return (await this.#notes()).paths();
  }

  async prepareTombstone(path: string, tombstone: StreamState | undefined): Promise<void> {
    await (await this.#notes()).prepareTombstone(path, tombstone);
  }

  async writeTombstone(path: string, tombstone: StreamState): Promise<void> {
    await (await this.#notes()).writeTombstone(path, tombstone);
  }

  async forget(path: string): Promise<void> {
    await (await this.#notes()).forget(path);
  }

  async addFork(source: string, fork: string): Promise<void> {
    await (await this.#notes()).addFork(source, fork);
  }

  async removeFork(source: string, fork: string): Promise<void> {
    await (await this.#notes()).removeFork(source, fork);
  }

  async forksOf(source: string): Promise<string[]> {
    return (await this.#notes()).forksOf(source);
  }

  async renew(path: string): Promise<void> {
    await (await this.#notes()).renew(path);
  }

  async renewal(path: string): Promise<string | undefined> {
    return (await this.#notes()).renewal(path);
  }

  async #notes(): Promise<StreamNotes> {
    return (await this.#ready()).core.notes;
  }
}
