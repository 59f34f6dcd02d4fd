/**
 * The kinds of views, and the default for a path.
 * @module
 */

/** The kinds of views. */
export const KINDS = ["log", "json", "markdown", "media", "hex"] as const;

/** One of {@link KINDS}. */
export type Kind = (typeof KINDS)[number];

/** Whether a word names a kind of view. */
export function isKind(word: string | undefined): word is Kind {
  return KINDS.some((kind) => kind === word);
}

/**
 * The default view of a path.
 *
 * @param type The media type.
 * @param beginning The first bytes, for a path of an unknown type.
 */
export function kindFor(type: string, beginning: Uint8Array): Kind {
  const essence = type.split(";")[0]?.trim().toLowerCase() ?? "";
  if (/^(image|audio|video)\//.test(essence)) return "media";
  if (essence === "text/markdown") return "markdown";
  if (/^application\/([\w.-]+\+)?(json|x-ndjson|ndjson|jsonl|x-jsonlines)$/.test(essence)) return "json";
  return essence === "application/octet-stream" && !isText(beginning) ? "hex" : "log";
}

/** Whether bytes are UTF-8, without control characters that do not occur in text. */
function isText(beginning: Uint8Array): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(beginning, { stream: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are searched for
    return !/[\0-\x06\x0e-\x1a]/.test(text);
  } catch {
    return false;
  }
}
