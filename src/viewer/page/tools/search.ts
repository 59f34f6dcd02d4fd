/**
 * The search over the whole path, on the server.
 * @module
 */
import type { Source } from "../bytes/source.ts";

/** Most hits to ask for. */
export const MOST_HITS = 1_000;

/** A place with the text. */
export interface Hit {
  readonly offset: number;
  /** Where its line begins. */
  readonly line: number;
}

/** The server does not search. */
export class NoSearch extends Error {}

/**
 * Asks the server for the places of a text.
 *
 * @param onHits Receives the places as they are found.
 * @throws {NoSearch} if the server can't search.
 */
export async function search(
  source: Source,
  { text, matchesCase }: { readonly text: string; readonly matchesCase: boolean },
  signal: AbortSignal,
  onHits: (hits: readonly Hit[]) => void,
): Promise<void> {
  const { generation } = source;
  const parameters = { search: text, limit: String(MOST_HITS), case: matchesCase ? "1" : "0" };
  const url = source.with({ ...parameters, ...(generation !== undefined && { generation }) });
  const stop = new AbortController();
  signal.addEventListener("abort", () => stop.abort());
  const response = await source.request(url, { signal: stop.signal });
  const type = response.headers.get("Content-Type") ?? "";
  // A server that does not know the parameter answers with the bytes.
  if (response.headers.has("Accept-Ranges") || !/ndjson/.test(type)) {
    const message = response.ok || response.headers.has("Accept-Ranges") ? "" : await response.text();
    stop.abort();
    throw new NoSearch(message || "This server can't search.");
  }
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    const lines = (rest + next.value).split("\n");
    rest = lines.pop() ?? "";
    onHits(lines.flatMap(hitOf));
  }
  onHits(hitOf(rest));
}

function hitOf(line: string): Hit[] {
  if (line.trim() === "") return [];
  const hit: unknown = JSON.parse(line);
  if (typeof hit !== "object" || hit === null || !("offset" in hit) || typeof hit.offset !== "number") return [];
  const start = "line-start" in hit ? hit["line-start"] : undefined;
  return [{ offset: hit.offset, line: typeof start === "number" ? start : hit.offset }];
}
