/**
 * Folders: a path can only be created where no other resource is in the way. A name has one subject, and so is a resource or a
 * folder, but never both.
 * @module
 */
import { belowResource } from "../../../engine/storage/conflicts.ts";
import { storeUnavailable } from "../../../engine/storage/unavailable.ts";
import { RecentMap } from "../connection/recent-map.ts";
import { folderOf, type Place } from "../layout/layout.ts";
import { type ChainPoint, pointAfter } from "../records/chain.ts";
import type { RecordFields } from "../records/record.ts";
import type { Tail } from "../records/tails.ts";
import { type Core, newId } from "./core.ts";
import { put } from "./put.ts";

/** How many folders are remembered. */
const REMEMBERED = 50_000;

/** Attempts at a folder that others change at the same time. */
const ATTEMPTS = 100;

/** A folder that a claim has created, and may remove again. */
export interface CreatedFolder {
  readonly place: Place;
  readonly point: ChainPoint;
}

/** The folders of one installation. */
export class Folders {
  readonly #core: Core;
  /** The folders that are permanent. */
  readonly #known: RecentMap<string, true> = new RecentMap(REMEMBERED);

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * Creates the folders of a path, from the top. A folder can be removed again by the claim that has created it, as long as no
   * other claim relies on it: such a claim makes it permanent first.
   *
   * @param created Receives those that were created.
   * @throws {StreamError} `path_conflict` if a resource is in the way; what writing throws.
   */
  async create(path: string, created: CreatedFolder[]): Promise<void> {
    for (const folder of foldersOf(path)) {
      if (this.#known.get(folder) || created.some(({ place }) => place.path === folder)) continue;
      const made = await this.#createOne(path, folder);
      if (made) created.push(made);
      else this.#known.set(folder, true);
    }
  }

  /** Removes folders that a failed claim has created, from the bottom. A folder that another claim relies on stays. */
  async remove(created: readonly CreatedFolder[]): Promise<void> {
    for (const { place, point } of [...created].reverse()) {
      const fields = this.#fields({ type: "x", predecessor: point.seq });
      const ttlMs = this.#core.tombstoneMs;
      const outcome = await put(this.#core, { place, fields, payload: NOTHING, point, last: point.seq, ttlMs });
      if (outcome.kind !== "stored") return;
      const { seq } = outcome.record;
      await this.#core.calls.purge(place.stream, place.subject, { path: place.path, before: seq });
    }
  }

  /**
   * Refuses a path below a resource.
   *
   * @throws {StreamError} `path_conflict`; what reading throws.
   */
  async refuseBelowResource(path: string): Promise<void> {
    for (const folder of foldersOf(path).reverse()) {
      if (this.#known.get(folder)) return;
      const found = await this.#core.records.last(this.#core.layout.placeOf(folder));
      if (!found || found.record.type === "x") continue;
      if (found.record.type !== "f") throw belowResource(path, folder);
      if (!found.record.isProvisional) this.#known.set(folder, true);
      return;
    }
  }

  /** Whether a folder exists. The root always does. */
  async has(folder: string): Promise<boolean> {
    if (folder === "" || this.#known.get(folder)) return true;
    const found = await this.#core.records.last(this.#core.layout.placeOf(folder));
    return found?.record.type === "f";
  }

  /** Makes sure that one folder exists; returns it if this has created it. */
  async #createOne(path: string, folder: string): Promise<CreatedFolder | undefined> {
    const place = this.#core.layout.placeOf(folder);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const tail = await this.#core.tails.of(place);
      const record = tail.stored?.record;
      if (record?.type === "f" && !record.isProvisional) return undefined;
      if (record && record.type !== "f" && record.type !== "x") throw belowResource(path, folder);
      const isNew = record?.type !== "f";
      const outcome = await this.#write(place, tail, isNew);
      if (outcome.kind !== "stored") continue;
      return isNew ? { place, point: pointAfter(outcome.record) } : undefined;
    }
    throw storeUnavailable(path);
  }

  #write(place: Place, { point, last }: Tail, isProvisional: boolean): ReturnType<typeof put> {
    const fields = this.#fields({ type: "f", predecessor: point.seq, isProvisional });
    return put(this.#core, { place, fields, payload: NOTHING, point, last });
  }

  #fields(own: Pick<RecordFields, "type" | "predecessor" | "isProvisional">): RecordFields {
    const { node } = this.#core;
    return { offset: 0, claim: 0, node, id: newId(), generation: "", first: 0, modifiedMs: Date.now(), ...own };
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** The folders of a path, from the top, without the root. */
function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let folder = folderOf(path); folder; folder = folderOf(folder)) folders.unshift(folder);
  return folders;
}
