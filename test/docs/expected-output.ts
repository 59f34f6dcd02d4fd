/**
 * Terminal sessions as a page shows them, and the comparison with what was printed.
 * @module
 */

/** A command as it was typed, with its output. */
export interface Typed {
  readonly command: string;
  readonly output: readonly string[];
}

/**
 * The commands of a `console` block. A command follows `$ `; after a backslash it continues behind `> `.
 *
 * @throws {Error} If the block does not begin with `$ `.
 */
export function commandsOf(text: string): Typed[] {
  const commands: { command: string; output: string[] }[] = [];
  for (const line of text.split("\n")) {
    const last = commands.at(-1);
    if (line.startsWith("$ ")) commands.push({ command: line.slice(2), output: [] });
    else if (!last) throw new Error(`a console block begins with "$ ", not with ${JSON.stringify(line)}`);
    else if (line.startsWith("> ") && last.command.endsWith("\\")) last.command += `\n${line.slice(2)}`;
    else last.output.push(line);
  }
  return commands;
}

/** Output that differs each time, and its replacements. */
const FLEETING: readonly [RegExp, string][] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<time>"],
  [/\b[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\b/g, "<id>"],
  [/\bin \d+\.\d{3} s\b/g, "in <time>"],
  [/\b(node|deno|bun) \d+\.\d+\.\d+\b/g, "$1 <version>"],
  [/^(Date|Last-Modified|ETag): .*/i, "$1: <any>"],
];

function lasting(line: string): string {
  return FLEETING.reduce((text, [pattern, name]) => text.replace(pattern, name), line.trimEnd());
}

/** Whether a printed line matches the shown one; `…` in the shown line matches any text. */
export function isLine(shown: string, printed: string): boolean {
  const parts = lasting(shown).split("…");
  const pattern = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*");
  return new RegExp(`^${pattern}$`).test(lasting(printed));
}

/** The first shown line that was not printed in its place, or undefined. A line `…` matches any number of lines. */
export function missing(shown: readonly string[], printed: readonly string[]): string | undefined {
  const [line, ...rest] = shown;
  if (line === undefined) return printed.length === 0 ? undefined : `(nothing, but there is ${printed[0]})`;
  if (line.trim() === "…") {
    if (rest.length === 0) return undefined;
    const starts = printed.map((_, at) => missing(rest, printed.slice(at)));
    return starts.length === 0 || !starts.includes(undefined) ? rest[0] : undefined;
  }
  const [first, ...others] = printed;
  return first !== undefined && isLine(line, first) ? missing(rest, others) : line;
}

/** The first shown line that was not printed yet, or undefined; other lines may be in between. */
export function awaited(shown: readonly string[], printed: readonly string[]): string | undefined {
  let at = 0;
  for (const line of shown) {
    const found = printed.findIndex((candidate, index) => index >= at && isLine(line, candidate));
    if (found === -1) return line;
    at = found + 1;
  }
  return undefined;
}
