/**
 * Clients that pipeline many requests on one connection and leave before they are answered.
 * @module
 */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { resetNow } from "../../test/fixture/reset.ts";
import { until } from "../../test/fixture/until.ts";
import type { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";

/** The requests that they send, with their weights. */
const REQUESTS = { GET: 4, FOLLOW: 4, APPEND: 2, HEAD: 1 } as const;

/** How they leave, with weights. */
const EXITS = { reset: 3, end: 2, "half-closed": 1, silent: 1 } as const;

/** How many paths they append to; see {@link ownPath}. */
export const OWN_PATHS = 3;

/** The maximum number of requests per connection. */
const MOST = 50;

/** The dependencies of {@link pipelineAgain}. */
export interface PipelineParts {
  readonly random: Random;
  readonly ledger: Ledger;
  /** The port of a random server, or undefined while that server is down. */
  port(random: Random): number | undefined;
  /** The paths that are being appended to. */
  paths(): readonly string[];
  /** The longest pause between two clients, in milliseconds. */
  readonly maxCalmMs: number;
  /** Stops it. */
  readonly signal: AbortSignal;
}

/** A path that only these clients append to. */
export function ownPath(at: number): string {
  return `pipelined/${at}.txt`;
}

/** Runs one client after the other until the signal aborts; resolves when the last client has left. */
export async function pipelineAgain(parts: PipelineParts): Promise<void> {
  const { signal, maxCalmMs, random } = parts;
  for (let turn = 0; ; turn++) {
    const chance = random.fork("pipeline", turn);
    await sleep(chance.spread(20, maxCalmMs), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const port = parts.port(chance);
    if (port !== undefined) await visit(port, chance, parts);
  }
}

async function visit(port: number, random: Random, { ledger, paths }: PipelineParts): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  socket.on("error", () => {});
  const requests = Array.from({ length: random.between(2, MOST) }, () => request(random, paths()));
  // A client that does not read keeps the server from sending the remaining responses.
  if (random.chance(0.5)) socket.resume();
  socket.write(requests.join(""));
  await sleep(random.spread(1, 1_500));
  const exit = random.weighted(EXITS);
  leave(socket, exit);
  if (exit !== "reset") await sleep(random.spread(1, 1_500));
  resetNow(socket);
  // Node does not always emit `close` for a socket that was shut down before it was reset.
  await until("a connection to be reset", () => socket.closed).catch((error: Error) => {
    ledger.problem(`${error.message}, of a client that left by ${exit}: ${describe(socket)}`);
  });
  ledger.count("pipelined", exit);
}

function describe(socket: Socket): string {
  const { readyState, destroyed, writableLength, writableFinished, readableEnded, closed } = socket;
  return JSON.stringify({ readyState, destroyed, writableLength, writableFinished, readableEnded, closed });
}

function leave(socket: Socket, exit: keyof typeof EXITS): void {
  if (exit === "reset") resetNow(socket);
  else if (exit === "end") socket.destroy();
  else if (exit === "half-closed") socket.end();
}

function request(random: Random, paths: readonly string[]): string {
  const kind = random.weighted(REQUESTS);
  const path = paths[random.between(0, paths.length - 1)] ?? ownPath(0);
  const head = (method: string, target: string, more = ""): string =>
    `${method} /${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}\r\n`;
  if (kind === "FOLLOW") return head("GET", `${path}?verb=FOLLOW`);
  if (kind !== "APPEND") return head(kind, path);
  const own = ownPath(random.between(0, OWN_PATHS - 1));
  const body = "x".repeat(random.spread(1, 20_000));
  return `${head("POST", `${own}?verb=APPEND`, `Content-Length: ${body.length}\r\n`)}${body}`;
}
