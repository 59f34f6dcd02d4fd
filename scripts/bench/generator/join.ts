/**
 * Followers that join one after the other, to see how long each waits.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { nowNs } from "./clock.ts";
import { Follower } from "./follower.ts";
import type { FollowDialect, Joined, Target } from "./protocol.ts";
import { urlOf } from "./url-of.ts";

/** Milliseconds between two of them, at most. */
const MOST_PAUSE_MS = 5;

/** Lets so many followers join, each after the one before has left. */
export async function join(target: Target<FollowDialect>, times: number): Promise<Joined> {
  const startMs: number[] = [];
  const dataMs: number[] = [];
  for (let time = 0; time < times; time++) {
    // Else each would join just after a record, as the one before has left with it.
    await sleep(Math.random() * MOST_PAUSE_MS);
    const { start, data } = await joinOnce(urlOf(target.url, time), target.dialect);
    startMs.push(start);
    dataMs.push(data);
  }
  return { startMs, dataMs };
}

function joinOnce(url: URL, dialect: FollowDialect): Promise<{ start: number; data: number }> {
  return new Promise((resolve, reject) => {
    const beganNs = nowNs();
    let start = Number.NaN;
    const follower: Follower = new Follower(url, dialect, {
      opened: () => {
        start = (nowNs() - beganNs) / 1e6;
      },
      data: () => {
        resolve({ start, data: (nowNs() - beganNs) / 1e6 });
        follower.drop();
      },
      closed: (reason) => reject(new Error(`A follower could not join ${url}: ${reason}.`)),
    });
  });
}
