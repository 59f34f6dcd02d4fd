/**
 * The events for changed rows, encoded once for all clients that may see all rows.
 * @module
 */
import type { FolderRow } from "../../engine/folders/folder-rows.ts";
import type { FolderWatch } from "../../engine/folders/folder-watch.ts";
import { Frame } from "../../engine/follow/frame.ts";
import { formatRow } from "../http/listing.ts";

const ENCODER = new TextEncoder();

/** Minimum characters of events per frame. */
const PIECE_LENGTH = 32 * 1024;

/** The events by their set of names. Clients that keep up share the set. */
const made = new WeakMap<ReadonlySet<string>, RowEvents>();

/** The events for a set of rows. */
export class RowEvents {
  readonly #frames: Frame[] = [];
  readonly #rest: Generator<Frame, void, void>;

  private constructor(watch: FolderWatch, names: ReadonlySet<string>) {
    this.#rest = encoded(watch, names, () => true);
  }

  /**
   * The events for a set of rows, shared by all clients, in frames that are encoded on demand. They show the present state; a
   * row that changes again is reported again.
   *
   * @param names The names of the rows. The set must not change.
   */
  static shared(watch: FolderWatch, names: ReadonlySet<string>): Iterable<Frame> {
    const known = made.get(names) ?? new RowEvents(watch, names);
    made.set(names, known);
    return known.#all();
  }

  /**
   * The events for one client alone.
   *
   * @param isVisible Whether the client may see a row.
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
    // A client that may not see a row must not learn of its removal either.
    const known = now ?? rows.goneOf(name);
    if (!known || !isVisible(known)) continue;
    const data = now ? formatRow(now) : `{"name":${JSON.stringify(name)}}`;
    text += `event: ${now ? "change" : "gone"}\ndata: ${data}\n\n`;
    if (text.length < PIECE_LENGTH) continue;
    yield new Frame(ENCODER.encode(text), false);
    text = "";
  }
  if (text !== "") yield new Frame(ENCODER.encode(text), false);
}
