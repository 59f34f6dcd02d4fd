/**
 * The search over the whole path, on the server.
 * @module
 */
import type { Source } from "../bytes/source.ts";

/** Most hits to look for. */
export const MAX_HITS = 10_000;

/** Hits to ask for at once. */
const HITS_AT_ONCE = 1_000;

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
 * @param from Where to begin.
 * @param onHits Receives the places as they are found. Ends the search if it returns false.
 * @returns Where to search on when the path has grown.
 * @throws {NoSearch} if the server can't search.
 */
export async function search(
  source: Source,
  text: string,
  from: number,
  signal: AbortSignal,
  onHits: (hits: readonly Hit[]) => boolean,
): Promise<number> {
  let wantsMore = true;
  let next = from;
  for (let isLimited = true; isLimited && wantsMore; ) {
    const end = await searchFrom(source, text, next, signal, (hits) => {
      wantsMore = onHits(hits);
    });
    next = end.next ?? next;
    isLimited = end.limited === true;
  }
  return next;
}

/** Asks for some hits. Returns the last line of the answer. */
async function searchFrom(
  source: Source,
  text: string,
  from: number,
  signal: AbortSignal,
  onHits: (hits: readonly Hit[]) => void,
): Promise<Answer> {
  const { generation } = source;
  const parameters = { search: text, from: String(from), limit: String(HITS_AT_ONCE), case: "0" };
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
  let last: Answer = {};
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    const lines = (rest + next.value).split("\n");
    rest = lines.pop() ?? "";
    const answers = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Answer);
    last = answers[answers.length - 1] ?? last;
    onHits(
      answers.flatMap(({ offset, "line-start": line }) =>
        offset === undefined ? [] : [{ offset, line: line ?? offset }],
      ),
    );
  }
  return last;
}

/** A line of the answer: a hit, or at the end where to go on. */
interface Answer {
  readonly offset?: number;
  readonly "line-start"?: number;
  readonly next?: number;
  readonly limited?: boolean;
}
