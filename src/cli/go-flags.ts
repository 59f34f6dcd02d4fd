/**
 * Command lines of the original, whose flags are long names after a single dash: `-root=/tmp/x -http :8080 -v`.
 * @module
 */
import type { Command, Option } from "commander";

/** What Go's flag package takes for a truth value. */
const TRUE: ReadonlySet<string> = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE: ReadonlySet<string> = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/**
 * The arguments with every known long name that stands after a single dash given its second one. Everything else is
 * left as it is.
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
    // The value stands for itself, and may look like a flag.
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
  // Said aloud where it can be, for an environment variable may say otherwise.
  const opposite = option.negate ? `--${option.attributeName()}` : `--no-${name}`;
  return command.options.some(({ long }) => long === opposite) ? [opposite] : [];
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

/** Long wherever there is a long one: a short option would take `=` for a part of its value. */
function spelled(option: Option, name: string): string {
  return option.long ?? `-${name}`;
}
