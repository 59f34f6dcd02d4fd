/**
 * The events of rows that have changed, encoded once for all clients that may see the same rows.
 * @module
 */
import type { FolderRow } from "../../engine/folders/folder-rows.ts";
import type { FolderWatch } from "../../engine/folders/folder-watch.ts";
import { Frame } from "../../engine/follow/frame.ts";
import { row } from "../http/listing.ts";

const ENCODER = new TextEncoder();

/** Characters of events to gather before they are sent. */
const PIECE_LENGTH = 32 * 1024;

/** What was made of a set of names, which all clients that took the last change in time share. */
const made = new WeakMap<ReadonlySet<string>, RowEvents>();

/** The events for a set of rows. */
export class RowEvents {
  readonly #frames: Frame[] = [];
  readonly #rest: Generator<Frame, void, void>;

  private constructor(watch: FolderWatch, names: ReadonlySet<string>) {
    this.#rest = encoded(watch, names, () => true);
  }

  /**
   * The events for rows that have changed, in pieces that are made when they are asked for. Of a row that has changed again
   * since, the client will be told again.
   *
   * @param names A set that other clients are told of, too, and that nothing changes.
   */
  static shared(watch: FolderWatch, names: ReadonlySet<string>): Iterable<Frame> {
    const known = made.get(names) ?? new RowEvents(watch, names);
    made.set(names, known);
    return known.#all();
  }

  /**
   * The same for one client alone.
   *
   * @param isVisible Which rows the client may see.
   */
  static alone(
    watch: FolderWatch,
    names: ReadonlySet<string>,
    isVisible: (row: FolderRow) => boolean,
  ): Iterable<Frame> {
    return encoded(watch, names, isVisible);
  }

  *#all(): Generator<Frame, void, void> {
    for (let at = 0; ; at++) {
      const known = this.#frames[at];
      if (known) yield known;
      else {
        const { done, value } = this.#rest.next();
        if (done) return;
        this.#frames.push(value);
        yield value;
      }
    }
  }
}

function* encoded(
  { rows }: FolderWatch,
  names: ReadonlySet<string>,
  isVisible: (row: FolderRow) => boolean,
): Generator<Frame, void, void> {
  let text = "";
  for (const name of names) {
    const now = rows.of(name);
    // What a client may not see, it may not miss either.
    const known = now ?? rows.goneOf(name);
    if (!known || !isVisible(known)) continue;
    const data = now ? row(now) : `{"name":${JSON.stringify(name)}}`;
    text += `event: ${now ? "change" : "gone"}\ndata: ${data}\n\n`;
    if (text.length < PIECE_LENGTH) continue;
    yield new Frame(ENCODER.encode(text), false);
    text = "";
  }
  if (text !== "") yield new Frame(ENCODER.encode(text), false);
}
