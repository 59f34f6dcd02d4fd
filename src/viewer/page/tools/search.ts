/**
 * The search over the whole path, on the server.
 * @module
 */
import type { Source } from "../bytes/source.ts";
import type { FindEnd, Hit, Range } from "./hits.ts";

/** Hits to ask for at once. */
const HITS_AT_ONCE = 1_000;

/** The server does not search. */
export class NoSearch extends Error {}

/**
 * Asks the server for the places of a text.
 *
 * @param range The bytes in which the places begin.
 * @param onHits Receives the places as they are found. Ends the search after the present request if it returns false.
 * @throws {NoSearch} if the server can't search.
 */
export async function search(
  source: Source,
  text: string,
  { from, to = Number.POSITIVE_INFINITY }: Range,
  signal: AbortSignal,
  onHits: (hits: readonly Hit[]) => boolean,
): Promise<FindEnd> {
  let wantsMore = true;
  for (let next = from; ; ) {
    const end = await searchFrom(source, text, { from: next, to }, signal, (hits) => {
      wantsMore = onHits(hits);
    });
    next = end.next ?? next;
    if (end.limited !== true || !wantsMore) return { next, size: end.limited === true ? undefined : end.size };
  }
}

/** Asks for some hits. Returns the last line of the answer. */
async function searchFrom(
  source: Source,
  text: string,
  { from, to }: Required<Range>,
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
    const hits = answers.flatMap(({ offset, "line-start": line }) =>
      offset === undefined ? [] : [{ offset, line: line ?? offset }],
    );
    const inside = hits.filter(({ offset }) => offset < to);
    onHits(inside);
    if (inside.length === hits.length) continue;
    stop.abort();
    return { next: to };
  }
  return last;
}

/** A line of the answer: a hit, or at the end, where to continue. */
interface Answer {
  readonly offset?: number;
  readonly "line-start"?: number;
  readonly next?: number;
  readonly limited?: boolean;
  readonly size?: number;
}
