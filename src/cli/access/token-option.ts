/**
 * The access token of a command. It comes from a file, standard input or the environment, never from the command line,
 * which every user of the machine can read.
 * @module
 */
import process from "node:process";
import { Option } from "commander";
import { parseTarget } from "../../client/connection/target.ts";
import type { TokenSource } from "../../client/mod.ts";
import { systemMessage } from "../common/error-line.ts";
import { parseFileName, WrongUsage } from "../common/options.ts";
import { readSmallFile } from "../common/small-file.ts";

/** The environment variable with a token. */
const VARIABLE = "HTTPFSTREAM_TOKEN";

/** Maximum characters that are read from standard input. */
const MAX_CHARACTERS = 64 * 1024;

/** The options that determine the token. */
export interface TokenFlags {
  readonly tokenFile?: string;
  readonly header: Record<string, string>;
}

/** The option `--token-file` of the commands that send requests. */
export function tokenOption(): Option {
  return new Option(
    "--token-file <file>",
    `file with the access token, read again for each attempt; - for standard input; instead of ${VARIABLE}`,
  ).argParser(parseFileName);
}

/**
 * Returns the token of a command: a function that reads the file again, or the text from standard input or the
 * environment; undefined if there is no token. Credentials in `--header` or in the URL replace the variable.
 *
 * @param url The URL of the command.
 * @param inputIsTaken Whether the command reads its data from standard input. Default false.
 * @throws {WrongUsage} if the options contradict each other; an error with an explanation if there is no valid token.
 */
export async function tokenOf(
  url: string,
  { tokenFile: file, header }: TokenFlags,
  inputIsTaken = false,
): Promise<TokenSource | undefined> {
  const others = otherCredentials(url, header);
  if (file === undefined) {
    const given = process.env[VARIABLE]?.trim() ?? "";
    return given === "" || others !== undefined ? undefined : checked(given, VARIABLE);
  }
  if (others !== undefined) throw new WrongUsage(`Give --token-file or ${others}, not both.`);
  if (file === "-") {
    if (inputIsTaken) throw new WrongUsage("Standard input can't be both the token and what to append. Name a file.");
    return checked(await inputText(), "standard input");
  }
  const read = (): Promise<string> => tokenIn(file);
  // Reports a missing file before anything else happens.
  await read();
  return read;
}

/** The token of a command, as {@link tokenOf} returns it, as an option of the client. */
export async function accessOf(url: string, flags: TokenFlags): Promise<{ readonly token?: TokenSource }> {
  const token = await tokenOf(url, flags);
  return token === undefined ? {} : { token };
}

function otherCredentials(url: string, header: Record<string, string>): string | undefined {
  if (Object.keys(header).some((name) => name.trim().toLowerCase() === "authorization"))
    return "an Authorization header";
  const { url: target, headers } = parseTarget(url);
  if (headers.has("Authorization")) return "a user name in the URL";
  return target.searchParams.has("access_token") ? "access_token in the URL" : undefined;
}

async function tokenIn(file: string): Promise<string> {
  const text = await readSmallFile(file, { links: true }).catch((cause: unknown) => {
    const why = systemMessage(cause) ?? (cause instanceof Error ? cause.message : String(cause));
    throw new Error(`Can't read the token file ${file}: ${why}.`);
  });
  if (text === undefined) throw new Error(`Can't read the token file ${file}: no such file.`);
  return checked(text, file);
}

async function inputText(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > MAX_CHARACTERS) break;
  }
  return text;
}

/** Removes the white space around a token, and checks the rest. */
function checked(text: string, where: string): string {
  const token = text.trim();
  if (token === "") throw new Error(`There is no token in ${where}: it is empty.`);
  if (/\s/.test(token)) throw new Error(`There is no valid token in ${where}: it has white space in the middle.`);
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Error(`There is no valid token in ${where}: it has a character that no token can have.`);
}
