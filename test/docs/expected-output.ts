/**
 * Terminal sessions as a page shows them, and whether what was printed is what is shown.
 * @module
 */

/** A command as it was typed, with what it printed. */
export interface Typed {
  readonly command: string;
  readonly output: readonly string[];
}

/** The commands of a `console` block: after `$ `, with lines that end in a backslash carried on by `> `. */
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

/** What differs from one time to the next. */
const FLEETING: readonly [RegExp, string][] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<time>"],
  [/\bin \d+\.\d{3} s\b/g, "in <time>"],
  [/\b(node|deno|bun) \d+\.\d+\.\d+\b/g, "$1 <version>"],
  [/^(Date|Last-Modified|ETag): .*/i, "$1: <any>"],
];

function lasting(line: string): string {
  return FLEETING.reduce((text, [pattern, name]) => text.replace(pattern, name), line.trimEnd());
}

/** Whether a printed line is the shown one; `…` in it stands for anything. */
export function isLine(shown: string, printed: string): boolean {
  const parts = lasting(shown).split("…");
  const pattern = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*");
  return new RegExp(`^${pattern}$`).test(lasting(printed));
}

/** The first shown line that was not printed in its place; nothing where all is as shown. A line `…` stands for any. */
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

/** The first shown line that was not printed yet; others may stand in between. */
export function awaited(shown: readonly string[], printed: readonly string[]): string | undefined {
  let at = 0;
  for (const line of shown) {
    const found = printed.findIndex((candidate, index) => index >= at && isLine(line, candidate));
    if (found === -1) return line;
    at = found + 1;
  }
  return undefined;
}
