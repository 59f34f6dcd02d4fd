/**
 * The URL of a resource, as people type it.
 * @module
 */
import { InvalidArgumentError } from "commander";
import { parseTarget } from "../../client/connection/target.ts";
import { StreamError } from "../../protocol/errors.ts";

/** What the commands and the server say to each other. */
export const OWN_PARAMETERS: ReadonlySet<string> = new Set([
  ...["verb", "offset", "tail", "session", "generation", "stay", "raw", "live", "cursor"],
]);

/** What says the same on the command line, where anything does. */
const FLAGS: Readonly<Record<"append" | "follow", Readonly<Record<string, string>>>> = {
  append: { session: "--resume-file" },
  follow: { offset: "--offset", tail: "--tail" },
};

/** Parameters that a URL may have; anything else is taken for a name with a question mark in it. */
const PARAMETERS: ReadonlySet<string> = new Set([
  ...OWN_PARAMETERS,
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

/**
 * Checks the URL of one command: what the command itself has to say can't stand in its query.
 *
 * @returns A function that returns the URL as it was written, but for a verb that says what the command says anyway.
 * @throws {InvalidArgumentError} as {@link parseUrl}; for such a parameter, with the option that is meant.
 */
export function parseUrlOf(command: "append" | "follow"): (text: string) => string {
  return (text) => {
    const url = withoutVerb(parseUrl(text), command);
    const query = new URLSearchParams(queryOf(url));
    for (const name of ["verb", "offset", "tail", "session", "generation", "live", "cursor"]) {
      const value = query.get(name);
      if (value !== null)
        throw new InvalidArgumentError(`It has "${name}" in its query. ${instead(command, name, value)}`);
    }
    return url;
  };
}

function instead(command: "append" | "follow", name: string, value: string): string {
  const other = { append: "follow", follow: "append" } as const;
  if (name === "verb") return `This command is ${command}; leave the verb out, or use ${other[command]}`;
  const flag = FLAGS[command][name];
  if (flag === undefined) return `It means nothing to ${command}; leave it out`;
  return `Leave it out, and use ${flag}${flag === "--resume-file" ? "" : ` ${value}`}`;
}

function withoutVerb(url: string, command: string): string {
  const query = queryOf(url);
  const rest = query.split("&").filter((pair) => pair.toLowerCase() !== `verb=${command}`);
  return query === "" ? url : withQuery(url.slice(0, url.indexOf("?")), rest.join("&"));
}

function queryOf(url: string): string {
  return url.includes("?") ? url.slice(url.indexOf("?") + 1) : "";
}

/**
 * A URL with more parameters, which are encoded already.
 *
 * @example
 * ```ts
 * withQuery("http://h/a?x=1", "y=2"); // "http://h/a?x=1&y=2"
 * ```
 */
export function withQuery(url: string, query: string): string {
  if (query === "") return url;
  return `${url}${url.includes("?") ? "&" : "?"}${query}`;
}

/** A URL for people to read, without the password and the query that it may have: tokens are in there. */
export function shownUrl(text: string): string {
  return text.replace(/^([\w+.-]+:\/\/)[^/?#]*@/, "$1").replace(/\?.*$/s, "");
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
  const why =
    character === "?"
      ? "what follows is no parameter that is known here. Use --query for one of a proxy or a guard. Else it belongs to the name"
      : "a URL can't have it in a name";
  return new InvalidArgumentError(
    `It has ${shown} in it, and ${why}. Write ${escaped}, as in ${text.replaceAll(character, escaped)}`,
  );
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/**
 * The URL without its query, where tokens are, and without its password.
 *
 * @example
 * ```ts
 * resourceOf("https://me:secret@host/a.log?token=x"); // "https://host/a.log"
 * ```
 */
export function resourceOf(url: string): string {
  const { origin, pathname } = parseTarget(url).url;
  return origin + pathname;
}
