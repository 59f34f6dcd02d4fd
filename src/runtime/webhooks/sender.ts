/**
 * Sends webhooks with Node's HTTP client, which Deno and Bun have as well.
 *
 * The name is looked up once per delivery. The addresses that were found are checked, and the connection is made to one of
 * them: a name that leads elsewhere at the second look (DNS rebinding) is never looked up a second time.
 * @module
 */
import { lookup } from "node:dns/promises";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { WebhookAnswer, WebhookRequest, WebhookSender } from "../../engine/subscriptions/webhook-sender.ts";
import { type Address, isAllowed, literalIn, refusalOfAddress, refusalOfUrl } from "./target.ts";

/** Maximum bytes of an answer: more than `{"done": true}` is not read. */
const ANSWER_BYTES = 16 * 1024;

/** Maximum number of interim responses (1xx) before an answer: each costs time, and is not part of the answer. */
const INTERIM_RESPONSES = 10;

/** Milliseconds for looking up a name when a subscription is created. */
const LOOKUP_MS = 5_000;

/** Looks up all addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>;

/** Sends webhooks to addresses that are checked each time. */
export class CheckedSender implements WebhookSender {
  readonly #resolve: Resolve;

  /** @param resolve Looks names up. Default: the resolver of the system. */
  constructor(resolve: Resolve = (hostname) => lookup(hostname, { all: true })) {
    this.#resolve = resolve;
  }

  async check(url: string): Promise<string | undefined> {
    const refusal = refusalOfUrl(url);
    if (refusal !== undefined) return refusal;
    try {
      await this.#addressesOf(url, AbortSignal.timeout(LOOKUP_MS));
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async send({ url, headers, body, timeoutMs, signal }: WebhookRequest): Promise<WebhookAnswer> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new Error(`The receiver took more than ${timeoutMs} ms.`)), timeoutMs);
    const stop = (): void => limit.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const refusal = refusalOfUrl(url);
      if (refusal !== undefined) throw new Error(refusal);
      const addresses = await this.#addressesOf(url, limit.signal);
      return await post({ url, headers, body }, addresses, limit.signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  }

  /** The addresses that a URL leads to; all of them must be allowed. */
  async #addressesOf(url: string, signal: AbortSignal): Promise<readonly Address[]> {
    const { hostname } = new URL(url);
    const literal = literalIn(hostname);
    const addresses =
      literal === undefined
        ? await unlessAborted(this.#lookUp(hostname), signal)
        : [{ address: literal, family: literal.includes(":") ? 6 : 4 }];
    const forbidden = addresses.find(({ address }) => !isAllowed(url, address));
    if (forbidden) throw new Error(refusalOfAddress(forbidden.address));
    if (addresses.length === 0) throw new Error(`The name ${hostname} has no address.`);
    return addresses;
  }

  async #lookUp(hostname: string): Promise<readonly Address[]> {
    try {
      return await this.#resolve(hostname);
    } catch (error) {
      throw new Error(`The name ${hostname} can't be looked up.`, { cause: error });
    }
  }
}

/** Sends a request to one of the addresses. */
async function post(
  { url, headers, body }: Pick<WebhookRequest, "url" | "headers" | "body">,
  addresses: readonly Address[],
  signal: AbortSignal,
): Promise<WebhookAnswer> {
  const { request } = await import(url.startsWith("https:") ? "node:https" : "node:http");
  const bytes = Buffer.from(body);
  const options = {
    method: "POST",
    headers: { ...headers, "Content-Length": String(bytes.length), "User-Agent": "httpfstream" },
    // A connection of its own: one that is kept could lead to an address that was checked for another name.
    agent: false,
    lookup: pinned(addresses),
  };
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const sent = (request as (url: string, options: object) => ClientRequest)(url, options);
    const fail = (error: unknown): void => {
      reject(error);
      sent.destroy();
    };
    signal.addEventListener("abort", () => fail(signal.reason));
    sent.on("error", reject);
    let interim = 0;
    sent.on("information", () => {
      if (++interim > INTERIM_RESPONSES)
        fail(new Error(`The receiver has sent more than ${INTERIM_RESPONSES} interim responses.`));
    });
    sent.on("upgrade", (_, socket) => {
      socket.destroy();
      fail(new Error("The receiver has answered with the status 101."));
    });
    sent.on("response", (response: IncomingMessage) => {
      textOf(response)
        .then((text) => resolve({ status: response.statusCode ?? 0, text }), reject)
        .finally(() => sent.destroy());
    });
    sent.end(bytes);
  });
}

type Found = (error: Error | null, address: string | readonly Address[], family?: number) => void;

/** A lookup that knows the answer already. */
function pinned(addresses: readonly Address[]) {
  return (_: string, options: { readonly all?: boolean }, found: Found): void => {
    const [first] = addresses;
    if (options.all) found(null, addresses);
    else found(null, first?.address ?? "", first?.family);
  };
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > ANSWER_BYTES) throw new Error(`The answer of the receiver has more than ${ANSWER_BYTES} bytes.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
