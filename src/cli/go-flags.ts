/**
 * Command lines of the original, which has long flags with a single dash: `-root=/tmp/x -http :8080 -v`.
 * @module
 */
import type { Command, Option } from "commander";

/** The boolean values of Go's flag package. */
const TRUE: ReadonlySet<string> = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE: ReadonlySet<string> = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/**
 * Adds a second dash to every known long flag that has only one, and resolves boolean values such as `-v=true`. Other
 * arguments stay unchanged.
 *
 * @example
 * ```ts
 * fromGoFlags(["-root=/tmp/x", "-v=true", "url"], serveCommand); // ["--root=/tmp/x", "-v", "url"]
 * ```
 */
export function fromGoFlags(args: readonly string[], command: Command): string[] {
  const result: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string;
    if (arg === "--") return [...result, ...args.slice(at)];
    const [, name, value] = /^--?([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(arg) ?? [];
    const option = command.options.find(({ long, short }) => long === `--${name}` || short === `-${name}`);
    if (arg === "-help") result.push("--help");
    else if (!option || name === undefined) result.push(arg);
    else if (!takesValue(option)) result.push(...toggled(command, option, { name, value, arg }));
    else if (value !== undefined) result.push(`${spelled(option, name)}=${value}`);
    // Copies the value unchanged, because it may look like a flag.
    else result.push(spelled(option, name), ...args.slice(at + 1, ++at + 1));
  }
  return result;
}

function toggled(
  command: Command,
  option: Option,
  { name, value, arg }: { name: string; value: string | undefined; arg: string },
): string[] {
  if (value === undefined || TRUE.has(value)) return [spelled(option, name)];
  if (!FALSE.has(value)) return [arg];
  // Passes the opposite flag explicitly if there is one, because an environment variable may have set the option.
  const opposite = option.negate ? `--${option.attributeName()}` : `--no-${name}`;
  return command.options.some(({ long }) => long === opposite) ? [opposite] : [];
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

/** Prefers the long option: a short one would take `=` as part of its value. */
function spelled(option: Option, name: string): string {
  return option.long ?? `-${name}`;
}
