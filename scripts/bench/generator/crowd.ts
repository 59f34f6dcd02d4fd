/** A group of concurrent followers, and checks of what they receive. @module */
import { createHistogram } from "node:perf_hooks";
import { within } from "../../../test/fixture/until.ts";
import {
  type Connection,
  decoderOf,
  openCalls,
  openConnection,
  type Request,
  requestOf,
  sseBody,
} from "./connection.ts";
import type { FollowDialect, FollowJob, Target } from "./protocol.ts";
import { cycleReceiver, firstReceiver, nowNs, type Receiver, stampedReceiver } from "./records.ts";
import { openWebSocket, type SocketEvents, upgradeRequest } from "./websocket.ts";

/** Creates a group of followers, none of which is connected yet. */
export function openCrowd({ target, recordBytes, check, atOnce = 100, bytes: firstGoal, stalled }: FollowJob) {
  const followers: Connection[] = [];
  const receivers: Receiver[] = [];
  /** The request that all followers share if they follow the same path. */
  const shared = /\{n\}|\{token\}/.test(target.url) ? undefined : followRequest(target, 0);
  const ages = createHistogram();
  /** How many bytes each follower is to receive in total, and how many of them have. */
  let goal = firstGoal ?? Number.POSITIVE_INFINITY;
  let complete = 0;
  let lastNs = 0;
  /** Why a follower has lost its connection. */
  let lost: string | undefined;
  let isDropped = false;
  let wake: () => void = () => {};
  const receiverOf = (number: number): Receiver => {
    if (check === "first") return firstReceiver();
    if (check === "numbers") return stampedReceiver(recordBytes);
    if (check === "ages") return stampedReceiver(recordBytes, ages);
    return cycleReceiver(recordBytes, check === "all" || (check === "some" && number % 50 === 0));
  };
  const feed = (receiver: Receiver, bytes: Buffer, from: number, to: number): void => {
    const before = receiver.received;
    receiver.feed(bytes, from, to);
    if (before >= goal || receiver.received < goal) return;
    if (++complete < receivers.length) return;
    lastNs = nowNs();
    wake();
  };
  const connectOne = (number: number): Promise<void> => {
    const receiver = receiverOf(number);
    receivers.push(receiver);
    return new Promise((resolve, reject) => {
      const follower: Connection = openFollower(shared ?? followRequest(target, number), target.dialect, {
        data: { feed: (bytes, from, to) => feed(receiver, bytes, from, to) },
        opened() {
          if (stalled) follower.stall(true);
          resolve();
        },
        closed(reason) {
          reject(new Error(`A follower could not connect to ${target.url}: ${reason}.`));
          // A server may close the connection of a follower that has received everything.
          if (isDropped || receiver.received >= goal) return;
          lost ??= reason;
          wake();
        },
      });
      followers.push(follower);
    });
  };
  return {
    /** Connects `count` more followers, and returns when it began and ended. Rejects if one of them can't connect. */
    async connect(count: number) {
      const until = receivers.length + count;
      const startNs = nowNs();
      const worker = async (): Promise<void> => {
        while (receivers.length < until) await connectOne(receivers.length);
      };
      await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
      return { startNs, endNs: nowNs() };
    },
    /** Sets how many bytes each follower is to receive in total, and forgets the ages so far. */
    expect(bytes: number) {
      goal = bytes;
      complete = receivers.filter(({ received }) => received >= bytes).length;
      ages.reset();
    },
    /** Waits until all followers have the expected bytes. Returns when that was, and the ages of records. */
    async received(timeoutMs: number) {
      if (complete < receivers.length && lost === undefined) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await within(woken, "all followers", timeoutMs).catch(() => {});
      }
      const wrong = receivers.filter((receiver) => receiver.wrong || receiver.received > goal).length;
      const short = receivers.filter(({ received }) => received < goal).length;
      if (wrong > 0) throw new Error(`${wrong} followers received bytes that were never appended, or some twice.`);
      if (lost !== undefined) throw new Error(`A follower lost its connection: ${lost}.`);
      if (short > 0) throw new Error(`${short} followers had not received everything after ${timeoutMs / 1000} s.`);
      const ageMs = (percent: number): number => ages.percentile(percent) / 1e6;
      return { lastNs, ages: { p50: ageMs(50), p99: ageMs(99), p999: ageMs(99.9) } };
    },
    /** Makes stalled followers read. */
    resume: () => followers.forEach((follower) => void follower.stall(false)),
    drop() {
      isDropped = true;
      for (const { socket } of followers) socket.resetAndDestroy();
    },
  };
}

/** How many tokens were used: no follower of this process gets the token of another one, as long as there are enough. */
let usedTokens = 0;

function followRequest({ url: template, dialect, tokens }: Target<FollowDialect>, number: number): Request {
  const url = tokens ? template.replace("{token}", tokens[usedTokens++ % tokens.length] ?? "") : template;
  if (dialect === "v1" || dialect === "frames") return upgradeRequest(url, number, dialect === "v1");
  return requestOf(url, number, { Accept: dialect === "sse" ? "text/event-stream" : "*/*" });
}

/** Connects a follower, which in v1 has opened when the server has sent `start`. */
function openFollower(request: Request, dialect: FollowDialect, events: SocketEvents): Connection {
  if (dialect === "frames") return openWebSocket(request, events);
  if (dialect === "v1") {
    const text = (payload: Buffer): void => {
      if (JSON.parse(String(payload)).type === "start") events.opened();
    };
    return openWebSocket(request, { ...events, opened() {}, text });
  }
  if (dialect === "polls") return openPolls(request, events);
  return openConnection(request, {
    status: 200,
    opened(head) {
      events.opened();
      return decoderOf(head, dialect === "sse" ? sseBody(events.data) : events.data);
    },
    closed: (error) => events.closed(error?.message ?? "the response has ended"),
  });
}

/** Asks for what follows the last answer, again and again: without `live=` until an answer reaches the end. */
function openPolls(request: Request, { data, opened, closed }: SocketEvents): Connection {
  const { connection, call } = openCalls(request, data);
  const isLive = request.head.includes("live=");
  const poll = async (): Promise<void> => {
    for (let answer = await call(request.head); isLive || !/^stream-up-to-date:\s*true/im.test(answer); ) {
      const [, offset] = /^stream-next-offset:\s*(\S+)/im.exec(answer) ?? [];
      const [, cursor] = /^stream-cursor:\s*(\S+)/im.exec(answer) ?? [];
      const next = `offset=${offset}${cursor === undefined ? "" : `&cursor=${cursor}`}`;
      answer = await call(request.head.replace("offset=-1", next));
    }
  };
  connection().socket.once("connect", opened);
  poll().catch((error: Error) => closed(error.message));
  return connection();
}
