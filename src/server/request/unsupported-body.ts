/**
 * Which request bodies are appended unchanged, and which are refused because their bytes mean something else.
 * @module
 */
import type { Context } from "hono";
import { StreamError } from "../../protocol/errors.ts";

/**
 * Refuses a body whose headers change the meaning of its bytes: stored unchanged, they would not be what the client
 * meant.
 *
 * @throws {StreamError} `unsupported` for a content coding or a form, `not_implemented` for a transfer coding.
 */
export function refuseOtherBodies(c: Context, path: string): void {
  refuseTransferCoding(c.req.header("Transfer-Encoding"), path);
  refuseContentCoding(c.req.header("Content-Encoding"), path);
  refuseForm(c.req.header("Content-Type"), path);
}

/**
 * Refuses a body with a `Content-Range`: a client that resumes an upload this way relies on the position, but bytes can
 * only be appended at the end.
 *
 * @throws {StreamError} `bad_request`
 */
export function refuseContentRange(c: Context, path: string): void {
  const range = c.req.header("Content-Range");
  if (range === undefined) return;
  const what = `Bytes are appended at the end, not at "Content-Range: ${range}".`;
  throw new StreamError("bad_request", `${what} Remove the header, and put "offset=N" into the URL.`, { path });
}

function refuseTransferCoding(value: string | undefined, path: string): void {
  const fault = transferFault(value);
  if (fault !== undefined) throw new StreamError("not_implemented", fault, { path });
}

/** What is wrong with a `Transfer-Encoding` header, as a sentence; `undefined` if it is supported. */
export function transferFault(value: string | undefined): string | undefined {
  const other = words(value).find((coding) => coding !== "chunked");
  if (other === undefined) return undefined;
  const what = `The transfer coding ${JSON.stringify(other)} is not supported.`;
  return `${what} Send the body with "chunked", or with its length.`;
}

function refuseContentCoding(value: string | undefined, path: string): void {
  const other = words(value).find((coding) => coding !== "identity");
  if (other === undefined) return;
  const what = `A body with "Content-Encoding: ${other}" is not appended, because it would be stored in that coding.`;
  const headers = { "Accept-Encoding": "identity" };
  throw new StreamError("unsupported", `${what} Send the decoded bytes.`, { path, headers });
}

function refuseForm(type: string | undefined, path: string): void {
  if (!/^\s*multipart\/form-data\s*(;|$)/i.test(type ?? "")) return;
  const what = "A form with files is not appended, because its boundaries would be stored, too.";
  throw new StreamError("unsupported", `${what} Send the bytes alone: "curl -T file" instead of "curl -F".`, { path });
}

/** Splits a list header into lower-case words, without parameters. */
function words(list: string | undefined): string[] {
  const found = list?.toLowerCase().split(",") ?? [];
  return found.map((word) => (word.split(";", 1)[0] ?? "").trim()).filter((word) => word !== "");
}
