/**
 * Checks that the lines of a JSON stream are JSON before they are sent: another program may have written to the file.
 * Each byte is checked once per process.
 * @module
 */
import { isJsonLines } from "../../engine/durable/json-messages.ts";
import { bytesOf } from "../../engine/storage/json-tail.ts";
import type { Store, StoreStat } from "../../engine/storage/store.ts";
import { StreamError } from "../../protocol/errors.ts";
import { NEWLINE } from "../../support/ascii.ts";

/** Maximum number of streams whose checked beginnings are remembered. */
const MAX_STREAMS = 10_000;

/** Bytes per read. A longer line is read at once. */
const LOOK_BYTES = 1024 * 1024;

/** What is known to be JSON. */
interface Checked {
  readonly generation: string;
  /** A line end. */
  readonly to: number;
}

/** Remembers which beginnings of streams have been checked. */
export class JsonChecks {
  readonly #store: Store;
  readonly #checked = new Map<string, Checked>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Checks that an offset is the beginning of a message.
   *
   * @param moves Whether to move to the next message instead of failing.
   * @throws {StreamError} `bad_request`
   */
  async startOf(path: string, found: StoreStat, offset: number, moves: boolean): Promise<number> {
    if (offset === 0) return 0;
    const { generation, size } = found;
    const [before] = await bytesOf(this.#store, path, { from: offset - 1, to: offset, generation });
    if (before === NEWLINE) return offset;
    if (!moves)
      throw new StreamError("bad_request", `The offset ${offset} of "/${path}" is inside a message.`, { path });
    for (let from = offset; from < size; from += LOOK_BYTES) {
      const bytes = await bytesOf(this.#store, path, { from, to: Math.min(size, from + LOOK_BYTES), generation });
      const end = bytes.indexOf(NEWLINE);
      if (end !== -1) return from + end + 1;
    }
    return size;
  }

  /**
   * Checks a range of lines.
   *
   * @throws {StreamError} `changed`
   */
  async check(path: string, { generation }: StoreStat, from: number, to: number): Promise<void> {
    const known = this.#checked.get(path);
    const checkedTo = known?.generation === generation ? known.to : 0;
    if (to <= checkedTo) return;
    let at = Math.max(from, checkedTo);
    const isContinuous = at === checkedTo;
    for (let length = LOOK_BYTES; at < to; ) {
      const bytes = await bytesOf(this.#store, path, { from: at, to: Math.min(to, at + length), generation });
      const end = bytes.lastIndexOf(NEWLINE) + 1;
      if (end === 0 && at + length < to) {
        length *= 2;
        continue;
      }
      if (end === 0 || !isJsonLines(bytes.subarray(0, end))) throw notJson(path);
      at += end;
    }
    if (isContinuous) this.#remember(path, { generation, to });
  }

  #remember(path: string, checked: Checked): void {
    this.#checked.delete(path);
    this.#checked.set(path, checked);
    for (const oldest of this.#checked.keys()) {
      if (this.#checked.size <= MAX_STREAMS) break;
      this.#checked.delete(oldest);
    }
  }
}

/** The checks of a store. */
export function jsonChecksOf(store: Store): JsonChecks {
  const checks = known.get(store) ?? new JsonChecks(store);
  known.set(store, checks);
  return checks;
}

const known = new WeakMap<Store, JsonChecks>();

/** The error of a stream whose file is not what a stream of JSON has. */
export function notJson(path: string): StreamError {
  const message = `Another program has changed "/${path}": it is not JSON any more. "?raw" reads its bytes.`;
  return new StreamError("changed", message, { path });
}
