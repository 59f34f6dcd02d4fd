/**
 * The appends of this process, by path and by folder.
 * @module
 */

/** An append that is under way. */
export interface LiveAppend {
  readonly path: string;
  /** The present size of the path in bytes. */
  readonly size: number;
  /** Whether there is only a claim, kept between short appends. */
  readonly isKept: boolean;
}

/** The appends of one server. */
export class LiveAppends {
  readonly #byPath = new Map<string, LiveAppend>();
  /** The number of appends below each folder, at any depth. Kept claims do not count. */
  readonly #below = new Map<string, number>();

  /** Notes an append that has begun. */
  began(append: LiveAppend): void {
    this.ended(this.#byPath.get(append.path));
    this.#byPath.set(append.path, append);
    this.#count(append, 1);
  }

  /** Notes that an append has ended. Does nothing if another one of its path has begun since. */
  ended(append: LiveAppend | undefined): void {
    if (!append || this.#byPath.get(append.path) !== append) return;
    this.#byPath.delete(append.path);
    this.#count(append, -1);
  }

  /** The append of a path; undefined if there is none. */
  of(path: string): LiveAppend | undefined {
    return this.#byPath.get(path);
  }

  /** Whether anything below a folder is being appended to. */
  isBelow(folder: string): boolean {
    return this.#below.has(folder);
  }

  #count({ path, isKept }: LiveAppend, by: 1 | -1): void {
    if (isKept) return;
    for (const folder of foldersOf(path)) {
      const count = (this.#below.get(folder) ?? 0) + by;
      if (count > 0) this.#below.set(folder, count);
      else this.#below.delete(folder);
    }
  }
}

/** The folders that a path is in, from the innermost to the root, which is the empty string. */
export function* foldersOf(path: string): Generator<string, void, void> {
  for (let end = path.lastIndexOf("/"); end !== -1; end = path.lastIndexOf("/", end - 1)) yield path.slice(0, end);
  if (path !== "") yield "";
}
