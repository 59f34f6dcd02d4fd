/**
 * The URL of a resource, as users type it.
 * @module
 */
import { InvalidArgumentError } from "commander";
import { parseTarget } from "../../client/connection/target.ts";
import { StreamError } from "../../protocol/errors.ts";
import { PROTOCOL_PARAMETERS } from "../../protocol/parameters.ts";

/** The commands whose argument is the URL of a resource. */
export type UrlCommand = "append" | "follow" | "ls" | "stat" | "rm";

/** The options that replace such parameters, where there is one. */
const FLAGS: Readonly<Partial<Record<UrlCommand, Readonly<Record<string, string>>>>> = {
  append: { session: "--resume-file" },
  follow: { offset: "--offset", tail: "--tail", stay: "--stay" },
};

/** Those of them that do not use the value of the parameter. */
const WITHOUT_VALUE: ReadonlySet<string> = new Set(["--resume-file", "--stay"]);

/** Parameters of the protocol that the commands pass on as they are. */
const PASSED_ON: ReadonlySet<string> = new Set(["raw"]);

/** The query parameters that a URL may have; any other counts as part of a name with a question mark. */
const PARAMETERS: ReadonlySet<string> = new Set([
  ...PROTOCOL_PARAMETERS,
  // Parameters of proxies in front of a server.
  ...["access_token", "token", "auth", "key", "api_key", "apikey", "sig", "signature"],
]);

/**
 * Characters that a URL must not contain unescaped, because it would name another resource or part of one. URL parsers
 * drop white space: line breaks and tabs anywhere, and all of it at both ends.
 */
const MISLEADING: readonly RegExp[] = [/#/, /\\/, /[\t\n\r]|^[\0- ]|[\0- ]$/];

/**
 * Checks a URL and returns it unchanged.
 *
 * A name with `#`, `?` or a backslash would silently refer to another resource. So it is rejected, except for a query
 * whose parameters are all known.
 *
 * @throws {InvalidArgumentError} for an invalid URL, and for such a name, with the escaped form in the message.
 * @example
 * ```ts
 * parseUrl("http://localhost:8080/a.log?tail=10"); // as it is
 * parseUrl("http://localhost:8080/what?.log"); // throws: ... write it as %3F: http://localhost:8080/what%3F.log
 * ```
 */
export const parseUrl: (text: string) => string = (text) => {
  for (const misleading of MISLEADING) {
    const [character] = misleading.exec(text) ?? [];
    if (character !== undefined) throw misleadingName(character, text);
  }
  try {
    parseTarget(text);
  } catch (error) {
    throw new InvalidArgumentError(StreamError.from(error).message);
  }
  if (!hasKnownQuery(text)) throw misleadingName("?", text);
  return text;
};

/**
 * Creates a parser for the URL of one command. Parameters that the command sets itself are rejected.
 *
 * @returns A function that returns the URL unchanged, except that it removes a verb that matches the command.
 * @throws {InvalidArgumentError} as {@link parseUrl}, and for such a parameter, with the option to use.
 */
export function parseUrlOf(command: UrlCommand): (text: string) => string {
  return (text) => {
    const url = withoutVerb(parseUrl(text), command);
    const query = new URLSearchParams(queryOf(url));
    for (const name of PROTOCOL_PARAMETERS) {
      if (PASSED_ON.has(name)) continue;
      const value = query.get(name);
      if (value !== null)
        throw new InvalidArgumentError(`It has "${name}" in its query. ${alternative(command, name, value)}`);
    }
    return url;
  };
}

function alternative(command: UrlCommand, name: string, value: string): string {
  if (name === "verb") {
    const other = ["append", "follow"].find((verb) => verb === value.toLowerCase());
    return `This command is ${command}; leave the verb out${other === undefined ? "" : `, or use ${other}`}`;
  }
  const flag = FLAGS[command]?.[name];
  if (flag === undefined) return `It means nothing to ${command}; leave it out`;
  return `Leave it out, and use ${flag}${WITHOUT_VALUE.has(flag) ? "" : ` ${value}`}`;
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
 * Appends encoded parameters to the query of a URL.
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

/**
 * The URL for display, without its password and its query, which may contain tokens.
 *
 * @example
 * ```ts
 * shownUrl("https://me:secret@host/a.log?token=x"); // "https://host/a.log"
 * ```
 */
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

function misleadingName(character: string, text: string): InvalidArgumentError {
  const escaped = percent(character);
  const shown = character.trim() === "" ? "white space" : `"${character}"`;
  const why =
    character === "?"
      ? "what follows is not a known parameter. Use --query for a parameter of a proxy or guard. In a name, it must be escaped"
      : "a URL can't have it in a name";
  return new InvalidArgumentError(
    `It has ${shown} in it, and ${why}. Write ${escaped}, as in ${text.replaceAll(character, escaped)}`,
  );
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/**
 * The URL without its password and its query, which may contain tokens.
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
