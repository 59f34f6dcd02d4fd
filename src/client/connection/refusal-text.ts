/**
 * Extracts the text of a refusal for an error message.
 * @module
 */
import { printable } from "../../support/printable.ts";
import { REFUSAL_TEXT_CHARACTERS } from "./limits.ts";

/** Maximum characters that a message quotes. */
const QUOTED_CHARACTERS = 300;

/** Members of a JSON body in which proxies report an error; the first one with text is used. */
const MEMBERS = ["error", "message", "detail", "error_description", "title"] as const;

/**
 * Returns the first line of a plain text body, or the error message of a JSON body, printable and truncated. Empty for
 * other bodies, such as HTML pages. Reads the beginning of the body and cancels the rest.
 *
 * @example
 * ```ts
 * await refusalText(Response.json({ error: "token expired" }, { status: 401 })); // "token expired"
 * ```
 */
export async function refusalText(response: Response): Promise<string> {
  const type = response.headers.get("Content-Type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const isJson = /^[\w.+-]+\/(?:[\w.+-]+\+)?json$/.test(type);
  const text = await readStart(response, isJson ? undefined : "\n");
  if (isJson) return short(textIn(parsed(text)) ?? text);
  return type === "text/plain" ? short(text.trimStart().split("\n", 1)[0] ?? "") : "";
}

/** Reads up to 1024 characters of the body, or up to the first `mark` after leading white space. */
async function readStart(response: Response, mark: string | undefined): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder();
  let text = "";
  const isEnough = (): boolean => mark !== undefined && text.trimStart().includes(mark);
  try {
    while (text.length < REFUSAL_TEXT_CHARACTERS && !isEnough()) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // The body broke off; the part that was read is used.
  }
  await reader.cancel().catch(() => {});
  return text.slice(0, REFUSAL_TEXT_CHARACTERS);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The text is truncated, or is not JSON.
    return undefined;
  }
}

/** The text of a value: the string itself, or the text of one of its members. */
function textIn(value: unknown): string | undefined {
  if (typeof value === "string") return value.trim() === "" ? undefined : value;
  if (typeof value !== "object" || value === null) return undefined;
  const members = value as Partial<Record<string, unknown>>;
  for (const name of MEMBERS) {
    const text = textIn(members[name]);
    if (text !== undefined) return text;
  }
  return undefined;
}

function short(text: string): string {
  const line = printable(text.replace(/\s+/g, " ").trim());
  return line.length > QUOTED_CHARACTERS ? `${line.slice(0, QUOTED_CHARACTERS)}…` : line;
}
