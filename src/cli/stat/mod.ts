/**
 * `httpfstream stat`: shows what the server knows about a path.
 * @module
 */
import type { Command } from "commander";
import { StreamError } from "../../client/mod.ts";
import { ENDED_HEADER, GENERATION_HEADER } from "../../protocol/generation.ts";
import { NEXT_OFFSET_HEADER, parseOffset } from "../../protocol/offset.ts";
import { CLOSED_HEADER } from "../../protocol/stream-headers.ts";
import { unprintableEscaped, unprintableEscapedInJson } from "../../support/printable.ts";
import { type RequestFlags, requestsTo, withRequestOptions } from "../access/request.ts";
import { DONE } from "../common/exit-codes.ts";
import { bareCommand, commandLine } from "../common/options.ts";
import { parseUrlOf, shownUrl } from "../common/resource-url.ts";
import { print } from "../common/terminal.ts";

interface StatFlags extends RequestFlags {
  readonly json?: true;
}

/** What the server knows about a path; undefined for what it does not tell. */
interface Status {
  readonly url: string;
  readonly kind: "file" | "folder";
  /** Bytes. */
  readonly size: number | undefined;
  /** ISO 8601. */
  readonly modified: string | undefined;
  readonly type: string | undefined;
  readonly generation: string | undefined;
  readonly appending: boolean | undefined;
  /** How the last append ended. */
  readonly ended: string | undefined;
  /** Whether the stream is closed; undefined if it is not. */
  readonly closed: true | undefined;
}

/**
 * Creates the command.
 *
 * @param name The name in its help and messages.
 * @param finish Receives the exit code.
 */
export function statCommand(name: string, finish: (code: number) => void): Command {
  const words = commandLine(name);
  const command = bareCommand(name)
    .description(
      "Show the size of a URL, its type and generation, and whether it has an appender, or how the last append ended.",
    )
    .argument("<url>", "URL of the resource", parseUrlOf("stat"))
    .option("--json", "print one JSON object");
  return withRequestOptions(command)
    .addHelpText(
      "after",
      `
Examples:
  $ ${words} http://localhost:8080/build/42.log
  $ ${words} --json http://localhost:8080/build/42.log | jq .size`,
    )
    .action(async (url: string, flags: StatFlags) => {
      const status = await statusOf(url, flags);
      print(flags.json ? `${unprintableEscapedInJson(JSON.stringify(status))}\n` : lines(status));
      finish(DONE);
    });
}

async function statusOf(url: string, flags: StatFlags): Promise<Status> {
  const ask = await requestsTo(url, flags);
  const asked = { method: "HEAD", accept: "application/json, */*;q=0.5" } as const;
  const { headers } = await ask(asked).catch((error: unknown) => {
    // The answer to a HEAD has no body, and so no sentence.
    if (!(error instanceof StreamError) || error.code !== "not_found") throw error;
    throw new StreamError("not_found", `${shownUrl(url)} does not exist.`, { cause: error });
  });
  const next = headers.get(NEXT_OFFSET_HEADER);
  const modified = Date.parse(headers.get("Last-Modified") ?? "");
  const appending = headers.get("Stream-Appending");
  return {
    url: shownUrl(url),
    kind: next === null ? "folder" : "file",
    size: next === null ? undefined : parseOffset(NEXT_OFFSET_HEADER, next),
    // HTTP tells the time in whole seconds.
    modified: Number.isNaN(modified) ? undefined : new Date(modified).toISOString().replace(".000Z", "Z"),
    type: next === null ? undefined : (headers.get("Content-Type") ?? undefined),
    generation: headers.get(GENERATION_HEADER) ?? undefined,
    appending: appending === null ? undefined : appending === "?1",
    ended: headers.get(ENDED_HEADER) ?? undefined,
    closed: headers.get(CLOSED_HEADER) === "true" ? true : undefined,
  };
}

function lines({ appending, closed, ...status }: Status): string {
  const rows = Object.entries({
    ...status,
    ...(appending === undefined ? {} : { appending: appending ? "yes" : "no" }),
    ...(closed && { closed: "yes" }),
  });
  return rows
    .filter(([, value]) => value !== undefined)
    .map(([label, value]) => `${`${label}:`.padEnd(12)}${unprintableEscaped(String(value))}\n`)
    .join("");
}
