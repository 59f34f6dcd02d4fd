/**
 * Measures the waiting times of followers that join one after the other.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { nowNs } from "./clock.ts";
import { Follower, followRequest } from "./follower.ts";
import type { FollowDialect, Joined, Target } from "./protocol.ts";
import { SMALLEST_RECORD, stampAt } from "./records.ts";
import { urlOf } from "./url-of.ts";

/** The maximum pause between two followers, in milliseconds. */
const MOST_PAUSE_MS = 5;

/** The maximum age in nanoseconds of the first record when its follower started to connect. */
const MOST_AGE_NS = 1e9;

/** Joins with `times` followers, each after the previous one has left. */
export async function join(target: Target<FollowDialect>, times: number): Promise<Joined> {
  const answerMs: number[] = [];
  const dataMs: number[] = [];
  for (let time = 0; time < times; time++) {
    await pause(Math.random() * MOST_PAUSE_MS);
    const { answer, data } = await joinOnce(urlOf(target.url, time), target.dialect);
    answerMs.push(answer);
    dataMs.push(data);
  }
  return { answerMs, dataMs };
}

/**
 * Waits for a fraction of milliseconds. Without a pause, each follower would join just after a record, with which the
 * previous one left. A timer alone would wake at whole milliseconds, like the appender's, so all would wait equally
 * long.
 */
async function pause(ms: number): Promise<void> {
  const untilNs = nowNs() + ms * 1e6;
  await sleep(Math.floor(ms));
  while (nowNs() < untilNs);
}

function joinOnce(url: URL, dialect: FollowDialect): Promise<{ answer: number; data: number }> {
  return new Promise((resolve, reject) => {
    const request = followRequest(url, dialect);
    const beganNs = nowNs();
    let answer = Number.NaN;
    const follower: Follower = new Follower(request, dialect, {
      opened: () => {
        answer = (nowNs() - beganNs) / 1e6;
      },
      data: (bytes, from, to) => {
        const isNew = to - from >= SMALLEST_RECORD && stampAt(bytes, from) > beganNs - MOST_AGE_NS;
        if (isNew) resolve({ answer, data: (nowNs() - beganNs) / 1e6 });
        else reject(new Error(`A follower that joined at the end of ${url} did not get a new record first.`));
        follower.drop();
      },
      closed: (reason) => reject(new Error(`A follower could not join ${url}: ${reason}.`)),
    });
  });
}
