/**
 * The requests that wrote to a stream of the Durable Streams protocol and their answers, and the comparison with what
 * is stored.
 * @module
 */

/** The numbers of a request: its writer, and its place among the writer's requests. */
export type Stamp = readonly [id: string, epoch: number, seq: number];

/** The outcome of a request, by its answers. Without an answer, it may be stored or not. */
export type Fate = "unanswered" | "stored" | "refused";

/** A request to append. */
export interface Entry {
  readonly stamp: Stamp;
  /** Its content: one message each, or one line each. */
  readonly messages: readonly string[];
  fate: Fate;
}

/** Every request that was sent to one stream. */
export class Book {
  readonly isJson: boolean;
  /** The request that closes the stream. */
  closer: Entry | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #offsets: number[] = [0];

  constructor(isJson: boolean) {
    this.isJson = isJson;
  }

  /** The offsets that were named in answers, each between two requests. */
  get offsets(): readonly number[] {
    return this.#offsets;
  }

  /** Enters a request, before it is sent. Each message has the stamp, so that no two are the same. */
  enter(stamp: Stamp, sizes: readonly number[]): Entry {
    const messages = sizes.map(
      (size, part) => `${[...stamp, `${part}/${sizes.length}`].join(" ")} ${"x".repeat(size)}`,
    );
    const entry: Entry = { stamp, messages, fate: "unanswered" };
    for (const message of messages) this.#entries.set(message, entry);
    return entry;
  }

  /** Notes the offset behind a stored request. */
  reached(offset: number): void {
    this.#offsets.push(offset);
  }

  /** The body of a request. */
  body({ messages }: Entry): string {
    return this.isJson ? JSON.stringify(messages) : messages.map((message) => `${message}\n`).join("");
  }

  /** The bytes of a file with these messages, as text. */
  stored(messages: readonly string[]): string {
    return messages.map((message) => `${this.isJson ? JSON.stringify(message) : message}\n`).join("");
  }

  /**
   * Compares what is stored with what was written: each request is there once, whole and behind the one before it of the
   * same writer, if it was answered so, and no refused one is there.
   *
   * @param text The bytes of the file, as text, or the first of them.
   * @param isWhole Whether it is all of them. Otherwise the end may be missing.
   * @returns What is wrong.
   */
  check(text: string, isWhole = true): string[] {
    const lines = text.split("\n");
    const rest = lines.pop();
    // A reader of bytes may stop within a line.
    if (rest !== "" && isWhole) return [`it ends within a line: ${short(rest)}`];
    const wrong: string[] = [];
    const last = new Map<string, Entry>();
    const seen = new Set<Entry>();
    for (let at = 0; at < lines.length; ) {
      const entry = this.#entries.get(this.#message(lines[at]));
      if (!entry) return [...wrong, `line ${at} was never written: ${short(lines[at])}`];
      const found = lines.slice(at, at + entry.messages.length).map((line) => this.#message(line));
      const isCut = !isWhole && at + found.length === lines.length;
      if (!entry.messages.every((message, part) => found[part] === message || (isCut && part >= found.length))) {
        return [...wrong, `the request ${entry.stamp.join(" ")} is not there as a whole, at line ${at}`];
      }
      if (entry.fate === "refused") wrong.push(`the request ${entry.stamp.join(" ")} is there, though it was refused`);
      if (!follows(entry, last.get(entry.stamp[0]))) {
        wrong.push(`${entry.stamp.join(" ")} comes behind ${last.get(entry.stamp[0])?.stamp.join(" ") ?? "nothing"}`);
      }
      last.set(entry.stamp[0], entry);
      seen.add(entry);
      at += entry.messages.length;
    }
    if (isWhole) wrong.push(...this.#missing(seen, lines));
    return wrong;
  }

  #missing(seen: ReadonlySet<Entry>, lines: readonly string[]): string[] {
    const all = new Set(this.#entries.values());
    const lost = [...all].filter((entry) => entry.fate === "stored" && !seen.has(entry));
    const wrong = lost.map(({ stamp }) => `the request ${stamp.join(" ")} is not there, though it was acknowledged`);
    const end = this.closer?.messages.at(-1);
    if (end !== undefined && this.closer?.fate === "stored" && this.#message(lines.at(-1)) !== end) {
      wrong.push(`it does not end with what has closed it, but with ${short(lines.at(-1))}`);
    }
    return wrong;
  }

  #message(line: string | undefined): string {
    if (!this.isJson || line === undefined) return line ?? "";
    try {
      return String(JSON.parse(line));
    } catch {
      return line;
    }
  }
}

/** Whether a request is the next one of its writer: with the next number, or the first one of a later epoch. */
function follows({ stamp: [, epoch, seq] }: Entry, before: Entry | undefined): boolean {
  if (!before) return seq === 0;
  const [, lastEpoch, lastSeq] = before.stamp;
  return epoch === lastEpoch ? seq === lastSeq + 1 : epoch > lastEpoch && seq === 0;
}

function short(line: string | undefined): string {
  return JSON.stringify(line?.slice(0, 60)) ?? "nothing";
}
