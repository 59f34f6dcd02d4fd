/**
 * Requests to the servers of a chaos run: through the hostile network, or past it.
 * @module
 */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../../test/fixture/until.ts";
import type { HostileProxy, Network } from "../proxy.ts";
import type { Random } from "../random.ts";

/** Statuses that mean "not now": the server is busy, shuts down, or has waited too long for the request. */
const LATER: ReadonlySet<number> = new Set([408, 429, 503]);

/** Whether to repeat a request. A removal is refused while a suspended server has an idle claim of the path. */
function isForLater({ status, headers }: Pick<Answer, "status" | "headers">): boolean {
  return LATER.has(status) || headers.get("stream-error") === "in_use";
}

/** The longest pause before a request is repeated, in milliseconds. */
const MAX_RETRY_MS = 300;

/** How long a process may live on after it has broken off a request without an answer, in milliseconds. */
const DYING_MS = 60_000;

/** How long a client waits for an answer before it repeats its request, in milliseconds. */
const ANSWER_MS = 40_000;

/** The answer to a request that was repeated until it had one. */
export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** Whether an earlier attempt had no answer, so that it may have had its effect. */
  readonly isRepeated: boolean;
}

/** A request without its URL. */
export interface Call {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

type Answer = Omit<Reply, "isRepeated">;

/** The offset that an answer names. */
export function nextOffset({ headers }: Pick<Answer, "headers">): number {
  return Number(headers.get("stream-next-offset"));
}

/** Whether an answer says that the stream is closed. */
export function saysClosed({ headers }: Pick<Answer, "headers">): boolean {
  return headers.get("stream-closed") === "true";
}

/**
 * Sends a request through a hostile network, again and again until it is answered with something else than "later".
 *
 * @param begin Is called before each attempt with what became of the one before: a status, or an error.
 */
export async function insist(
  proxy: HostileProxy,
  path: string,
  call: Call,
  random: Random,
  begin: (before: string) => void = () => {},
): Promise<Reply> {
  let before = "nothing";
  for (let isRepeated = false; ; await sleep(random.spread(1, MAX_RETRY_MS))) {
    begin(before);
    try {
      const response = await fetch(`${proxy.url}/${path}`, { ...call, signal: AbortSignal.timeout(ANSWER_MS) });
      const { status, headers } = response;
      if (!isForLater(response)) return { status, headers, text: await response.text(), isRepeated };
      before = `${status} ${await response.text()}`;
    } catch (error) {
      before = String(error);
      isRepeated = true;
    }
  }
}

/**
 * Sends requests past the hostile network. An attempt has no answer only if its server has ended, so that it can't have
 * an effect when a later request has been answered.
 */
export class Direct {
  /** The result of the last attempt, for reports about a slow run. */
  state = "nothing was sent";
  readonly #network: Network;
  readonly #random: Random;

  constructor(network: Network, random: Random) {
    this.#network = network;
    this.#random = random;
  }

  /** Sends a request until it is answered with something else than "later". */
  async send(path: string, call: Call): Promise<Reply> {
    for (let isRepeated = false; ; ) {
      const server = this.#random.between(0, this.#network.servers - 1);
      const port = this.#network.port(server);
      if (port !== undefined) {
        try {
          this.state = `${call.method} /${path} at port ${port}`;
          const answer = await exchange(port, path, call);
          this.state += ` got ${answer.status} ${answer.text.slice(0, 200)}`;
          if (!isForLater(answer)) return { ...answer, isRepeated };
        } catch (error) {
          isRepeated = true;
          const what = `the end of a server that has left ${call.method} /${path} without an answer: ${error}`;
          await until(what, () => this.#network.port(server) !== port, DYING_MS);
        }
      }
      await sleep(this.#random.spread(1, MAX_RETRY_MS));
    }
  }
}

/** Sends a request on a connection of its own, and waits for the answer for as long as it takes. */
function exchange(port: number, path: string, { method, headers, body }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
    const to = { port, host: "127.0.0.1", path: `/${path}`, method, headers: { ...headers, ...length }, agent: false };
    const sent = request(to, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.once("error", reject);
      response.once("end", () => {
        const fields = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as const);
        const text = Buffer.concat(pieces).toString();
        resolve({ status: response.statusCode ?? 0, headers: new Headers(fields.map(([...field]) => field)), text });
      });
    });
    sent.once("error", reject);
    sent.end(body);
  });
}
