/**
 * Boolean options that environment variables can set.
 * @module
 */
import process from "node:process";
import { type Command, Option } from "commander";

const ON: ReadonlySet<string> = new Set(["1", "true", "yes", "on"]);
const OFF: ReadonlySet<string> = new Set(["", "0", "false", "no", "off"]);

/** A boolean option. */
export interface Toggle {
  /** The flag on the command line: `--cors`, or `--no-listings`. */
  readonly flag: string;
  /** The opposite flag, which overrides the variable. */
  readonly opposite: string;
  /** The text for the help. */
  readonly description: string;
  /** The environment variable that sets the flag when it is true. */
  readonly variable: string;
}

/**
 * Adds a boolean option to a command. Commander itself treats a variable with any value as true.
 *
 * @returns The command.
 * @example
 * ```ts
 * addToggle(command, { flag: "--cors", opposite: "--no-cors", description: "…", variable: "HTTPFSTREAM_CORS" });
 * ```
 */
export function addToggle(command: Command, { flag, opposite, description, variable }: Toggle): Command {
  const option = new Option(flag, `${description} (env: ${variable})`);
  const name = option.attributeName();
  return command
    .addOption(option)
    .addOption(new Option(opposite).hideHelp())
    .hook("preAction", () => {
      const text = process.env[variable];
      if (text === undefined || command.getOptionValueSource(name) === "cli") return;
      const isOn = ON.has(text.trim().toLowerCase());
      if (!isOn && !OFF.has(text.trim().toLowerCase())) {
        command.error(
          `error: ${variable} must be one of ${[...ON, ...OFF].filter(Boolean).join(", ")}, or empty (off), ` +
            `not ${JSON.stringify(text)}.`,
        );
      }
      command.setOptionValueWithSource(name, isOn !== option.negate, "env");
    });
}
