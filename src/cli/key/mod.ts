/**
 * `httpfstream key`: prints a new key, or the public half of one.
 * @module
 */
import { type Command, Option } from "commander";
import { ALGORITHMS } from "../../auth/algorithms.ts";
import { DONE } from "../common/exit-codes.ts";
import { bareCommand, commandLine, parseFileName } from "../common/options.ts";
import type { KeyFlags } from "./print-key.ts";

/**
 * Creates the command.
 *
 * @param name The name in its help and messages.
 * @param finish Receives the exit code.
 */
export function keyCommand(name: string, finish: (code: number) => void): Command {
  const words = commandLine(name);
  return bareCommand(name)
    .description("Print a new key that signs tokens, as a JWK. It is secret: keep it in a file that only you can read.")
    .addOption(
      new Option("--algorithm <name>", "HS256: the server has the same secret; otherwise it needs only the public key")
        .choices(ALGORITHMS)
        .default("HS256"),
    )
    .addOption(
      new Option("--public <file>", "print the public half of this key instead, as a set of keys (JWKS); - for stdin")
        .conflicts("algorithm")
        .argParser(parseFileName),
    )
    .addHelpText(
      "after",
      `
Examples:
  $ (umask 077; ${words} > key.json)                     a shared secret
  $ (umask 077; ${words} --algorithm ES256 > key.json)   a key pair
  $ ${words} --public key.json > jwks.json               the public half, for the server`,
    )
    .action(async (flags: KeyFlags) => {
      // Imported only now: the other commands start without loading cryptography.
      const { printKey } = await import("./print-key.ts");
      await printKey(flags);
      finish(DONE);
    });
}
