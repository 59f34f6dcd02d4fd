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

/** Entries of a folder. */
export interface Listing {
  /** The entries by their names. */
  readonly entries: Map<string, Entry>;
  /** The last name that is listed, if the folder has more entries; else undefined. */
  readonly next: string | undefined;
}

/** Milliseconds without a byte after which a connection is dead: the server sends one every 15 seconds at least. */
const SILENCE_MS = 45_000;

/** Most entries to ask for at once. */
const MAX_ENTRIES = 10_000;

/**
 * Reads the entries of a folder, and their changes until the connection ends.
 *
 * @param onChange Called with the entries, first when they have arrived, then after each change.
 * @throws {Refused} if the server refuses the request.
 * @throws if the connection ends, or is silent for 45 seconds.
 */
export async function readEntries(source: Source, onChange: (listing: Listing) => void): Promise<never> {
  const response = await source.requestWithRetries(folderUrl(source, { live: "sse" }), {
    headers: { Accept: "text/event-stream" },
  });
  if (!response.ok || !response.body) throw await Refused.from(response);
  await follow(response.body, onChange);
  throw new Error("The live listing has ended.");
}

/**
 * Reads the entries after a name.
 *
 * @throws {Refused} if the server refuses the request.
 */
export async function readEntriesAfter(source: Source, after: string): Promise<Listing> {
  const url = folderUrl(source, { after, limit: String(MAX_ENTRIES) });
  const response = await source.requestWithRetries(url, { headers: { Accept: "application/json" } });
  if (!response.ok) throw await Refused.from(response);
  return listingOf(await response.text());
}

/** The address of the folder, with parameters. */
export function folderUrl(source: Source, parameters: Readonly<Record<string, string>>): URL {
  const url = source.with(parameters);
  // Without the slash it would be a path to follow.
  url.pathname = url.pathname.replace(/\/*$/, "/");
  return url;
}

async function follow(body: ReadableStream<Uint8Array>, onChange: (listing: Listing) => void): Promise<void> {
  let listing: Listing = { entries: new Map(), next: undefined };
  let rest = "";
  const text = new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>;
  // Not all browsers can iterate over a stream.
  const reader = body.pipeThrough(text).getReader();
  const read = async (): ReturnType<typeof reader.read> => {
    const timer = setTimeout(() => void reader.cancel().catch(() => {}), SILENCE_MS);
    return await reader.read().finally(() => clearTimeout(timer));
  };
  for (let next = await read(); !next.done; next = await read()) {
    const events = (rest + next.value).split("\n\n");
    rest = events.pop() ?? "";
    if (events.length === 0) continue;
    for (const event of events) listing = applyEvent(listing, event);
    onChange(listing);
  }
}

/** Applies an event of a live listing. Returns the entries after it. */
function applyEvent(listing: Listing, event: string): Listing {
  const lines = event.split("\n");
  const type = lines.find((line) => line.startsWith("event: "))?.slice(7);
  const data = lines.flatMap((line) => (line.startsWith("data: ") ? [line.slice(6)] : [])).join("\n");
  if (type === "list") return listingOf(data);
  if (type === "change") {
    const entry = JSON.parse(data) as Entry;
    listing.entries.set(entry.name, entry);
  } else if (type === "gone") listing.entries.delete((JSON.parse(data) as Entry).name);
  return listing;
}

function listingOf(json: string): Listing {
  const { entries, next } = JSON.parse(json) as { readonly entries: readonly Entry[]; readonly next?: string };
  return { entries: new Map(entries.map((entry) => [entry.name, entry])), next };
}
