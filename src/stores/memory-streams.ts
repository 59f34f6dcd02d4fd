/**
 * The streams of a store in memory: tombstones, and which path is a fork of which.
 * @module
 */
import type { StreamRecords, StreamState } from "../engine/storage/stream-state.ts";

/** The records of a memory store. The states of streams that exist are with their bytes. */
export class MemoryStreams implements StreamRecords {
  readonly #resources: () => ReadonlyMap<string, { readonly stream: StreamState | undefined }>;
  readonly #tombstones = new Map<string, StreamState>();
  readonly #forks = new Map<string, Set<string>>();

  /** @param resources Returns what the store holds. */
  constructor(resources: () => ReadonlyMap<string, { readonly stream: StreamState | undefined }>) {
    this.#resources = resources;
  }

  async find(path: string): Promise<StreamState | undefined> {
    const resource = this.#resources().get(path);
    return resource ? resource.stream : this.#tombstones.get(path);
  }

  async list(): Promise<string[]> {
    const streams = [...this.#resources()].filter(([, { stream }]) => stream).map(([path]) => path);
    return [...streams, ...this.#tombstones.keys()];
  }

  async writeTombstone(path: string, tombstone: StreamState): Promise<void> {
    this.#tombstones.set(path, tombstone);
  }

  async forget(path: string): Promise<void> {
    this.#tombstones.delete(path);
  }

  async addFork(source: string, fork: string): Promise<void> {
    this.#forks.set(source, (this.#forks.get(source) ?? new Set()).add(fork));
  }

  async removeFork(source: string, fork: string): Promise<void> {
    const forks = this.#forks.get(source);
    forks?.delete(fork);
    if (forks?.size === 0) this.#forks.delete(source);
  }

  async forksOf(source: string): Promise<string[]> {
    return [...(this.#forks.get(source) ?? [])];
  }
}
