/**
 * The events of rows that have changed, encoded once for all clients that may see the same rows.
 * @module
 */
import type { FolderRow } from "../../engine/folders/folder-rows.ts";
import type { FolderWatch } from "../../engine/folders/folder-watch.ts";
import { Frame } from "../../engine/follow/frame.ts";
import { row } from "../http/listing.ts";

const ENCODER = new TextEncoder();

/** What was made of a set of names, which all clients that took the last change in time share. */
const made = new WeakMap<ReadonlySet<string>, RowEvents>();

/** The events for a set of rows. */
export class RowEvents {
  readonly #watch: FolderWatch;
  readonly #names: ReadonlySet<string>;
  #whole: Frame | undefined;

  private constructor(watch: FolderWatch, names: ReadonlySet<string>) {
    this.#watch = watch;
    this.#names = names;
  }

  /** The events for rows that have changed. Of a row that has changed again since, the client will be told again. */
  static of(watch: FolderWatch, names: ReadonlySet<string>): RowEvents {
    const known = made.get(names) ?? new RowEvents(watch, names);
    made.set(names, known);
    return known;
  }

  /**
   * The events as a frame; undefined if there are none.
   *
   * @param isVisible Which rows the client may see. Default: all.
   */
  frame(isVisible: ((row: FolderRow) => boolean) | undefined): Frame | undefined {
    if (isVisible) return this.#encode(isVisible);
    this.#whole ??= this.#encode(() => true);
    return this.#whole;
  }

  #encode(isVisible: (row: FolderRow) => boolean): Frame | undefined {
    const { rows } = this.#watch;
    let text = "";
    for (const name of this.#names) {
      const now = rows.of(name);
      // What a client may not see, it may not miss either.
      const known = now ?? rows.goneOf(name);
      if (!known || !isVisible(known)) continue;
      const data = now ? row(now) : `{"name":${JSON.stringify(name)}}`;
      text += `event: ${now ? "change" : "gone"}\ndata: ${data}\n\n`;
    }
    return text === "" ? undefined : new Frame(ENCODER.encode(text), false);
  }
}
