/**
 * Formats an error as one line.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

const SYSTEM_MESSAGES: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOENT: "no such file",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is not a folder",
  ENOSPC: "the disk is full",
  EIO: "the device has failed",
  EBADF: "it is not open for this",
  EADDRINUSE: "the port is already in use; choose another with --http",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "no such host",
};

const TOKEN_HINT = "Give a token with --token-file or HTTPFSTREAM_TOKEN.";

/**
 * Formats an error as one line, with its code in front if it has one. If the server refuses the token, or requires one,
 * the line says how to give it.
 *
 * @example
 * ```ts
 * errorLine(new StreamError("not_found", '"/a" does not exist.')); // 'not found: "/a" does not exist.'
 * ```
 */
export function errorLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = (systemMessage(error) ?? error.message).replace(/\s*\n\s*/g, " ").trim();
  if (!(error instanceof StreamError)) return text;
  return `${error.code.replaceAll("_", " ")}: ${sentence(text)}${wantsToken(error) ? ` ${TOKEN_HINT}` : ""}`;
}

/**
 * Ends a text of a server or system like a sentence, so that another one can follow.
 *
 * @example
 * ```ts
 * sentence("The server answered 503 Busy"); // "The server answered 503 Busy."
 * ```
 */
export function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** The meaning of an operating system error; undefined for an unknown code. */
export function systemMessage(error: unknown): string | undefined {
  return SYSTEM_MESSAGES[(error as { code?: string }).code ?? ""];
}

/** The error for an output that cannot be written to. */
export function unwritable(what: string, cause: unknown): Error {
  return new Error(`Can't write to ${what}: ${systemMessage(cause) ?? String(cause)}.`, { cause });
}

/** Whether a token would help: not if a proxy, or a guard with passwords, has refused the request. */
function wantsToken({ code, headers }: StreamError): boolean {
  const names = new Headers(headers);
  const challenge = names.get("WWW-Authenticate");
  return (
    code === "unauthorized" && !names.has("Proxy-Authenticate") && (challenge === null || /\bbearer\b/i.test(challenge))
  );
}
