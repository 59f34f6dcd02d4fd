/**
 * What a request asks for: its verb, and whether it requests a WebSocket.
 * @module
 */
import type { Context } from "hono";
import { StreamError } from "../../protocol/errors.ts";
import { quotedWord } from "../../protocol/quoted-word.ts";
import { PROTOCOL } from "../../protocol/subprotocol.ts";

/** The supported methods. */
export const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "DELETE"];

/** The name of a subprotocol. */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;

/** The requests that are not plain reads. */
export type Verb = "APPEND" | "FOLLOW";

/**
 * The verb: the `X-Verb` header if it is not empty, else the `verb` query parameter, in any case. `undefined` if both
 * are empty.
 *
 * @throws {StreamError} `bad_request` for any other value: a typo must not turn a follow into a download.
 */
export function verbOf(c: Context): Verb | undefined {
  const said = c.req.header("X-Verb") || c.req.query("verb");
  if (!said) return undefined;
  const verb = said.toUpperCase();
  if (verb === "APPEND" || verb === "FOLLOW") return verb;
  throw new StreamError("bad_request", `The verb must be APPEND or FOLLOW, not ${quotedWord(said)}.`);
}

/**
 * Whether the request asks to become a WebSocket.
 *
 * @throws {StreamError} `bad_request` or `upgrade_required` if the handshake cannot succeed. It is checked here so that
 * no resource is claimed for a WebSocket that never opens.
 */
export function wantsWebSocket(c: Context): boolean {
  // An `Upgrade` list of several protocols is ignored: the libraries that complete handshakes accept no lists.
  if (c.req.method !== "GET" || c.req.header("Upgrade")?.trim().toLowerCase() !== "websocket") return false;
  if (!/(^|,)\s*upgrade\s*(,|$)/i.test(c.req.header("Connection") ?? "")) return false;
  if (!/^[+/0-9A-Za-z]{22}==$/.test((c.req.header("Sec-WebSocket-Key") ?? "").trim())) {
    throw new StreamError("bad_request", "The WebSocket handshake has no valid Sec-WebSocket-Key.");
  }
  checkOffer(c.req.header("Sec-WebSocket-Protocol"));
  const version = c.req.header("Sec-WebSocket-Version");
  if (version !== "13") {
    throw new StreamError("upgrade_required", `WebSocket version ${version ?? "(none)"} is not supported; use 13.`, {
      headers: { Upgrade: "websocket", "Sec-WebSocket-Version": "13" },
    });
  }
  return true;
}

/** @throws {StreamError} `bad_request` if the client's offer is not a list of distinct subprotocols. */
function checkOffer(offer: string | undefined): void {
  if (offer === undefined) return;
  // A pattern for commas with white space around them would read long runs of it again and again.
  const names = offer.split(",").map((name) => name.trim());
  if (names.every((name) => TOKEN.test(name)) && new Set(names).size === names.length) return;
  const what = `The Sec-WebSocket-Protocol ${quotedWord(offer)} is not a list of distinct names.`;
  throw new StreamError("bad_request", `${what} Remove the header, or offer "${PROTOCOL}".`);
}
