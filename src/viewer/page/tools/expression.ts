/**
 * The search by a regular expression, or by the fields of JSON: by a worker of its own, which ends when it is cancelled, or when the expression takes
 * too long. The server knows nothing of it.
 * @module
 */
import type { Found, SearchMessage, SearchOrder } from "../../shared/messages.ts";
import type { Source } from "../bytes/source.ts";
import { byId } from "../ui/dom.ts";
import { startWorker } from "../ui/workers.ts";
import { NoSearch } from "./search.ts";

/** Stands before a regular expression in the search box. */
const EXPRESSION = "re:";

/** A text with a field and an operator. */
const FIELDS = /(?:^|\s)\.[\w$@.-]+[=<>~!]/;

/** Whether a text in the search box is more than a text. Fields are only searched in the view of JSON. */
export function isExpression(text: string): boolean {
  return text.startsWith(EXPRESSION) || isFields(text);
}

function isFields(text: string): boolean {
  return !text.startsWith(EXPRESSION) && FIELDS.test(text) && byId("tools").dataset.kind === "json";
}

/** Most bytes to search. */
export const MAX_SEARCHED: number = 512 * 1024 * 1024;

/** Milliseconds that the lines of a piece may take. */
const PIECE_MS = 5_000;

/**
 * Searches a range of the path.
 *
 * @param order With the text of the search box.
 * @param onFound Receives the lines as they are found. Ends the search if it returns false.
 * @returns What was found last.
 * @throws {NoSearch} if the expression can't be understood, or if it takes too long.
 */
export async function searchExpression(
  source: Source,
  order: Pick<SearchOrder, "expression" | "from" | "to">,
  signal: AbortSignal,
  onFound: (found: Found) => boolean,
): Promise<Found | undefined> {
  const { token, generation } = source;
  const worker = startWorker("follow");
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<Found | undefined>((resolve, reject) => {
      signal.addEventListener("abort", () => resolve(undefined));
      worker.addEventListener("error", () => reject(new NoSearch("The search failed.")));
      worker.addEventListener("message", ({ data }: MessageEvent<SearchMessage>) => {
        clearTimeout(timer);
        if (data.type === "failed") reject(new NoSearch(data.message));
        else if (data.type === "testing") {
          timer = setTimeout(() => reject(new NoSearch("This expression takes too long.")), PIECE_MS);
        } else if (!onFound(data) || data.isEnd) resolve(data);
      });
      const text = order.expression;
      const query = isFields(text)
        ? { expression: text, isFields: true }
        : { expression: text.slice(EXPRESSION.length) };
      worker.postMessage({ ...order, ...query, url: source.url.href, token, generation } satisfies SearchOrder);
    });
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}
