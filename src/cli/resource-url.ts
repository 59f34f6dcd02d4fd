/**
 * The URL of a resource, as people type it.
 * @module
 */
import { InvalidArgumentError } from "commander";
import { parseTarget } from "../client/target.ts";
import { StreamError } from "../core/errors.ts";

/** Parameters that a URL may have; anything else is taken for a name with a question mark in it. */
const PARAMETERS: ReadonlySet<string> = new Set([
  ...["verb", "offset", "tail", "session", "generation", "stay", "raw", "live", "cursor"],
  // Of gates in front of a server.
  ...["access_token", "token", "auth", "key", "api_key", "apikey", "sig", "signature"],
]);

/**
 * What a URL can't have as it is: it would name another resource, or part of one. White space is dropped by whatever
 * parses a URL: line ends and tabs wherever they are, all of it at its ends.
 */
const MISLEADING: readonly RegExp[] = [/#/, /\\/, /[\t\n\r]|^[\0- ]|[\0- ]$/];

/**
 * Checks a URL and returns it as it was written.
 *
 * A name with `#`, `?` or a backslash in it would silently lead to another resource. So these are refused, but for a
 * query whose parameters are all known.
 *
 * @throws {InvalidArgumentError} for what is no URL, and for such a name, with the escaped form in the message.
 * @example
 * ```ts
 * parseUrl("http://localhost:8080/a.log?tail=10"); // as it is
 * parseUrl("http://localhost:8080/what?.log"); // throws: ... write it as %3F: http://localhost:8080/what%3F.log
 * ```
 */
export const parseUrl: (text: string) => string = (text) => {
  for (const misleading of MISLEADING) {
    const [character] = misleading.exec(text) ?? [];
    if (character !== undefined) throw notName(character, text);
  }
  try {
    parseTarget(text);
  } catch (error) {
    throw new InvalidArgumentError(StreamError.from(error).message);
  }
  if (!hasKnownQuery(text)) throw notName("?", text);
  return text;
};

/** A URL for people to read, without the password that it may have. */
export function shownUrl(text: string): string {
  return text.replace(/^([\w+.-]+:\/\/)[^/?#]*@/, "$1");
}

function hasKnownQuery(text: string): boolean {
  const at = text.indexOf("?");
  if (at < 0) return true;
  const pairs = text.slice(at + 1).split("&");
  return pairs.every((pair) => {
    const [name = ""] = pair.split("=", 1);
    return PARAMETERS.has(name) || name.toLowerCase().startsWith("x-amz-");
  });
}

function notName(character: string, text: string): InvalidArgumentError {
  const escaped = percent(character);
  const shown = character.trim() === "" ? "white space" : `"${character}"`;
  const why = character === "?" ? "what follows is no parameter that is known here" : "a URL can't have it in a name";
  return new InvalidArgumentError(
    `It has ${shown} in it, and ${why}. Write ${escaped}, as in ${text.replaceAll(character, escaped)}`,
  );
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
