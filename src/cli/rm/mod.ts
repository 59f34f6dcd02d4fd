/**
 * `httpfstream rm`: removes resources.
 * @module
 */
import type { Command } from "commander";
import { type RequestFlags, requestsTo, withRequestOptions } from "../access/request.ts";
import { errorLine } from "../common/error-line.ts";
import { DONE, FAILED } from "../common/exit-codes.ts";
import { bareCommand, commandLine, WrongUsage } from "../common/options.ts";
import { parseUrlOf, shownUrl } from "../common/resource-url.ts";
import { say } from "../common/terminal.ts";

interface RemoveFlags extends RequestFlags {
  readonly verbose?: true;
}

/**
 * Creates the command.
 *
 * @param name The name in its help and messages.
 * @param finish Receives the exit code.
 */
export function removeCommand(name: string, finish: (code: number) => void): Command {
  const words = commandLine(name);
  const parse = parseUrlOf("rm");
  const command = bareCommand(name)
    .description('Remove resources. Followers get the end reason "deleted".')
    .argument("<url...>", "URLs to remove", (text: string, previous: readonly string[] = []) => [
      ...previous,
      parse(text),
    ])
    .option("-v, --verbose", "report each removed URL on standard error");
  return withRequestOptions(command)
    .addHelpText(
      "after",
      `
A path that is appended to is not removed, and a server removes only what its operator allows (--deletes). The command goes
on after a failure, and then exits with 1.

Examples:
  $ ${words} http://localhost:8080/build/41.log http://localhost:8080/build/42.log`,
    )
    .action(async (urls: readonly string[], flags: RemoveFlags) => {
      let code = DONE;
      if (urls.length > 1 && flags.tokenFile === "-") {
        throw new WrongUsage("A token from standard input works with one URL only. Name a file.");
      }
      for (const url of urls) {
        try {
          const ask = await requestsTo(url, flags);
          await ask({ method: "DELETE" });
          if (flags.verbose) say(`removed ${shownUrl(url)}`);
        } catch (error) {
          if (urls.length === 1) throw error;
          say(`${words}: ${shownUrl(url)}: ${errorLine(error)}`);
          code = FAILED;
        }
      }
      finish(code);
    });
}
