/**
 * The events for changed rows, encoded once for all clients that may see all rows.
 * @module
 */
import type { FolderRow } from "../../engine/folders/folder-rows.ts";
import type { FolderWatch } from "../../engine/folders/folder-watch.ts";
import { Frame } from "../../engine/follow/frame.ts";
import { formatRow } from "../http/listing.ts";

const ENCODER = new TextEncoder();

/** The events by their set of names. Clients that keep up share the set. */
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

  /** The events for a set of rows. They show the present state; a row that changes again is reported again. */
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
      // A client that may not see a row must not learn of its removal either.
      const known = now ?? rows.goneOf(name);
      if (!known || !isVisible(known)) continue;
      const data = now ? formatRow(now) : `{"name":${JSON.stringify(name)}}`;
      text += `event: ${now ? "change" : "gone"}\ndata: ${data}\n\n`;
    }
    return text === "" ? undefined : new Frame(ENCODER.encode(text), false);
  }
}
