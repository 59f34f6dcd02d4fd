/**
 * `httpfstream ls`: lists a folder.
 * @module
 */
import type { Command } from "commander";
import { StreamError } from "../../client/mod.ts";
import { type RequestFlags, requestsTo, type SendRequest, withRequestOptions } from "../access/request.ts";
import { DONE } from "../common/exit-codes.ts";
import { bareCommand, commandLine } from "../common/options.ts";
import { parseUrlOf, shownUrl } from "../common/resource-url.ts";
import { BrokenPipe, dataOutput, write } from "../common/terminal.ts";
import { type Page, parsePage } from "./page.ts";
import { jsonRow, textRow } from "./row.ts";

/** Rows per request. The server reads a folder once for each. */
const PAGE_ROWS = 10_000;

interface ListFlags extends RequestFlags {
  readonly json?: true;
}

/**
 * Creates the command.
 *
 * @param name The name in its help and messages.
 * @param finish Receives the exit code.
 */
export function listCommand(name: string, finish: (code: number) => void): Command {
  const words = commandLine(name);
  const command = bareCommand(name)
    .description("List a folder: sizes in bytes, times of the last change in UTC, and names.")
    .argument("<url>", "URL of the folder", parseUrlOf("ls"))
    .option("--json", "print one JSON object per line, with name, kind, size, modified and appending");
  return withRequestOptions(command)
    .addHelpText(
      "after",
      `
Examples:
  $ ${words} http://localhost:8080/build
  $ ${words} --json http://localhost:8080/ | jq -r 'select(.appending) | .name'`,
    )
    .action(async (url: string, flags: ListFlags) => {
      const ask = await requestsTo(url, flags);
      try {
        await list(ask, shownUrl(url), flags.json ? jsonRow : textRow);
      } catch (error) {
        if (!(error instanceof BrokenPipe)) throw error;
      }
      finish(DONE);
    });
}

/** Prints page by page, no faster than standard output takes it. */
async function list(ask: SendRequest, url: string, format: typeof textRow): Promise<void> {
  const output = dataOutput();
  for (let after: string | undefined; ; ) {
    const { entries, next } = await pageAfter(ask, url, after);
    await write(output, entries.map(format).join(""));
    if (next === undefined) return;
    if (next === after) throw new StreamError("protocol", `The server repeats the same part of ${url}.`);
    after = next;
  }
}

async function pageAfter(ask: SendRequest, url: string, after: string | undefined): Promise<Page> {
  const response = await ask({
    method: "GET",
    accept: "application/json",
    change: (asked) => {
      // With a slash at its end, the URL of a file is refused, instead of answered with the bytes of the file.
      if (!asked.pathname.endsWith("/")) asked.pathname += "/";
      asked.searchParams.set("limit", String(PAGE_ROWS));
      if (after !== undefined) asked.searchParams.set("after", after);
    },
  });
  return parsePage(await response.text(), url);
}
