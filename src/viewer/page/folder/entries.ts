/**
 * The entries of a folder: all of them once, and their changes as the server tells them.
 * @module
 */
import type { Source } from "../bytes/source.ts";

/** An entry of a folder. */
export interface Entry {
  readonly name: string;
  readonly kind: "file" | "folder";
  readonly size: number;
  readonly modified: string;
  readonly appending: boolean;
}

/** Entries by their names. */
export type Entries = Map<string, Entry>;

/**
 * Reads the entries of a folder.
 *
 * @param onChange Receives all entries, and again after each change.
 * @throws the response of a server that refuses; an error if the connection is lost.
 */
export async function entriesOf(source: Source, onChange: (entries: Entries) => void): Promise<void> {
  const url = source.with({ live: "sse" });
  // Without the slash it would be a path to follow.
  url.pathname = url.pathname.replace(/\/*$/, "/");
  const live = await source.request(url, { headers: { Accept: "text/event-stream" } });
  if (live.ok && live.headers.get("Content-Type")?.startsWith("text/event-stream") && live.body) {
    await follow(live.body, onChange);
    throw new Error("The listing has ended.");
  }
  await live.body?.cancel();
  // A server that knows no live listings.
  const response = await source.request(source.with({}), { headers: { Accept: "application/json" } });
  if (!response.ok) throw response;
  const { entries } = (await response.json()) as { readonly entries: readonly Entry[] };
  onChange(byName(entries));
}

async function follow(body: ReadableStream<Uint8Array>, onChange: (entries: Entries) => void): Promise<void> {
  let entries: Entries = new Map();
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)) {
    const events = (rest + text).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) entries = applied(entries, event);
    onChange(entries);
  }
}

/** The entries after an event. */
export function applied(entries: Entries, event: string): Entries {
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
