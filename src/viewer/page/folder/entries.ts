/**
 * The entries of a folder, from its live listing.
 * @module
 */
import { Refused, type Source } from "../bytes/source.ts";

/** An entry of a folder. */
export interface Entry {
  readonly name: string;
  readonly kind: "file" | "folder";
  /** Bytes; 0 for a folder. */
  readonly size: number;
  /** The time of the last change, in ISO 8601. */
  readonly modified: string;
  readonly appending: boolean;
}

/** Entries by their names. */
export type Entries = Map<string, Entry>;

/**
 * Reads the entries of a folder, and their changes until the connection ends.
 *
 * @param onChange Called with all entries, first when they have arrived, then after each change.
 * @throws {Refused} if the server refuses the request.
 * @throws if the connection ends.
 */
export async function readEntries(source: Source, onChange: (entries: Entries) => void): Promise<never> {
  const url = source.with({ live: "sse" });
  // Without the slash it would be a path to follow.
  url.pathname = url.pathname.replace(/\/*$/, "/");
  const response = await source.requestWithRetries(url, { headers: { Accept: "text/event-stream" } });
  if (!response.ok || !response.body) throw await Refused.from(response);
  await follow(response.body, onChange);
  throw new Error("The live listing has ended.");
}

async function follow(body: ReadableStream<Uint8Array>, onChange: (entries: Entries) => void): Promise<void> {
  let entries: Entries = new Map();
  let rest = "";
  const text = new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>;
  // Not all browsers can iterate over a stream.
  const reader = body.pipeThrough(text).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const events = (rest + next.value).split("\n\n");
    rest = events.pop() ?? "";
    if (events.length === 0) continue;
    for (const event of events) entries = applyEvent(entries, event);
    onChange(entries);
  }
}

/** Applies an event of a live listing. Returns the entries after it. */
function applyEvent(entries: Entries, event: string): Entries {
  const lines = event.split("\n");
  const type = lines.find((line) => line.startsWith("event: "))?.slice(7);
  const data = lines.flatMap((line) => (line.startsWith("data: ") ? [line.slice(6)] : [])).join("\n");
  if (type === "list") return byName((JSON.parse(data) as { readonly entries: readonly Entry[] }).entries);
  if (type === "change") {
    const entry = JSON.parse(data) as Entry;
    entries.set(entry.name, entry);
  } else if (type === "gone") entries.delete((JSON.parse(data) as Entry).name);
  return entries;
}

function byName(entries: readonly Entry[]): Entries {
  return new Map(entries.map((entry) => [entry.name, entry]));
}
