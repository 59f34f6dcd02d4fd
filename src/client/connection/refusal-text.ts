/**
 * What a refusing response says, as words for a message.
 * @module
 */
import { printable } from "../../support/printable.ts";
import { REFUSAL_TEXT_BYTES } from "./limits.ts";

/** Most characters of it that a message quotes. */
const QUOTED_CHARACTERS = 300;

/** Members of a JSON body in which guards and proxies say what is wrong; the first one that says anything counts. */
const MEMBERS = ["error", "message", "detail", "error_description", "title"] as const;

/**
 * The first line of a plain text, or what a JSON body gives as its error or message, printable and short. Empty where
 * there is nothing; pages made for people say nothing that fits a message. Reads the beginning and cancels the rest.
 *
 * @example
 * ```ts
 * await refusalText(Response.json({ error: "token expired" }, { status: 401 })); // "token expired"
 * ```
 */
export async function refusalText(response: Response): Promise<string> {
  const type = response.headers.get("Content-Type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const isJson = /^[\w.+-]+\/(?:[\w.+-]+\+)?json$/.test(type);
  const text = await beginning(response, isJson ? undefined : "\n");
  if (isJson) return short(said(parsed(text)) ?? text);
  return type === "text/plain" ? short(text.trimStart().split("\n", 1)[0] ?? "") : "";
}

/** So much of a body, or less where it goes on behind some other mark than white space. */
async function beginning(response: Response, mark: string | undefined): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder();
  let text = "";
  const isEnough = (): boolean => mark !== undefined && text.trimStart().includes(mark);
  try {
    while (text.length < REFUSAL_TEXT_BYTES && !isEnough()) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // The status alone has to do.
  }
  await reader.cancel().catch(() => {});
  return text.slice(0, REFUSAL_TEXT_BYTES);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // It is longer than what was read, or none.
    return undefined;
  }
}

/** What a value says: itself, if it is a text, or one of its members. */
function said(value: unknown): string | undefined {
  if (typeof value === "string") return value.trim() === "" ? undefined : value;
  if (typeof value !== "object" || value === null) return undefined;
  const members = value as Partial<Record<string, unknown>>;
  for (const name of MEMBERS) {
    const text = said(members[name]);
    if (text !== undefined) return text;
  }
  return undefined;
}

function short(text: string): string {
  const line = printable(text.replace(/\s+/g, " ").trim());
  return line.length > QUOTED_CHARACTERS ? `${line.slice(0, QUOTED_CHARACTERS)}…` : line;
}
