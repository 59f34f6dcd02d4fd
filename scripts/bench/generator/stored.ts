/**
 * Waits until a server has stored what it was sent, by polling, because classic appends are not confirmed.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { nowNs } from "./clock.ts";
import { Connection, type Head, Outgoing } from "./connection.ts";

/** Milliseconds between two requests. */
const ASK_EVERY_MS = 2;

/** Resolves with the time, in nanoseconds, at which that many bytes could be read. Rejects after `timeoutMs`. */
export async function stored(url: URL, bytes: number, timeoutMs: number): Promise<number> {
  const untilNs = nowNs() + timeoutMs * 1e6;
  while ((await sizeOf(url)) < bytes) {
    if (nowNs() > untilNs) throw new Error(`${url} had fewer than ${bytes} bytes after ${timeoutMs / 1000} s.`);
    await sleep(ASK_EVERY_MS);
  }
  return nowNs();
}

function sizeOf(url: URL): Promise<number> {
  return new Promise((resolve, reject) => {
    const opened = (head: Head): { feed(): void } => {
      resolve(Number(head.header("content-length") ?? 0));
      connection.drop();
      return { feed: () => {} };
    };
    const closed = (error: Error | undefined): void => reject(error ?? new Error(`${url} gave no answer.`));
    const connection: Connection = new Connection(new Outgoing({ method: "HEAD", url }), { opened, closed });
  });
}
