/** Appenders over a WebSocket and over HTTP, and groups of them that flood or keep a pace. @module */
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFrame, OPCODE } from "../../../test/fixture/frames.ts";
import { type Calls, openCalls, requestOf } from "./connection.ts";
import type { AppendJob } from "./protocol.ts";
import { cycle, nowNs, writeRecord } from "./records.ts";
import { frameCycle, openWebSocket, upgradeRequest } from "./websocket.ts";

/** The maximum number of bytes per write or request, unless a single record is larger. */
const WRITE_BYTES = 64 * 1024;

/** Connects a group of appenders, fifty at a time. Rejects if one of them can't connect. */
export async function openAppenders(job: AppendJob) {
  const { target, recordBytes, count, connections } = job;
  const shared = connections === undefined ? undefined : poolOf(job, connections);
  const open = (number: number): Promise<Appender> =>
    target.dialect === "posts" ? openPostAppender(job, number, shared) : openFrameAppender(job, number);
  const appenders: Appender[] = [];
  while (appenders.length < count) {
    const first = appenders.length;
    const numbers = Array.from({ length: Math.min(50, count - first) }, (_, index) => first + index);
    appenders.push(...(await Promise.all(numbers.map(open))));
  }
  /** How many records each has appended at a pace. */
  let paced = 0;
  const sendStamped = (turn: number): void => {
    const record = Buffer.allocUnsafe(recordBytes);
    writeRecord(record, 0, recordBytes, paced + Math.floor(turn / count), nowNs());
    appenders[turn % count]?.send(record);
  };
  return {
    /** Appends records with each appender, as fast as possible, and returns when it began and ended. */
    async flood(records: number) {
      const startNs = nowNs();
      await Promise.all(appenders.map((appender) => appender.flood(records)));
      return { startNs, endNs: nowNs() };
    },
    /** Appends records with each appender, `perSecond` a second, evenly spaced over all of them. */
    async pace(records: number, perSecond: number) {
      const total = records * count;
      const everyMs = 1000 / (perSecond * count);
      const startMs = performance.now();
      for (let sent = 0; sent < total; ) {
        const due = Math.min(total, Math.floor((performance.now() - startMs) / everyMs) + 1);
        for (; sent < due; sent++) sendStamped(sent);
        const waitMs = startMs + sent * everyMs - performance.now();
        if (sent < total) await sleep(Math.max(1, Math.floor(waitMs)));
      }
      paced += records;
      await Promise.all(appenders.map((appender) => appender.settled()));
    },
  };
}

/** Opens an appender with one record per frame. */
async function openFrameAppender({ target, recordBytes }: AppendJob, number: number) {
  const { url, dialect } = target;
  const opcode = dialect === "frames" ? OPCODE.text : OPCODE.binary;
  const frames = frameCycle(opcode, recordBytes);
  let isOpen = false;
  let broken: Error | undefined;
  /** The numbers of bytes sent and confirmed on this connection, and the offset at which the append began. */
  let [sent, confirmed, base] = [0, 0, 0];
  let window = Number.POSITIVE_INFINITY;
  let wake: () => void = () => {};

  /** Resolves at the next event on the connection, or rejects if it has closed. */
  const change = (): Promise<void> =>
    new Promise((resolve, reject) => {
      wake = () => (broken ? reject(broken) : resolve());
      if (broken) wake();
    });
  const heard = (payload: Buffer): void => {
    if (dialect === "replies") confirmed += recordBytes;
    if (dialect === "counted") confirmed = Number(payload);
    if (dialect !== "v1") return;
    const message = JSON.parse(String(payload)) as { type: string; offset: number; window?: number };
    if (message.type === "ack") confirmed = message.offset - base;
    if (message.type !== "start") return;
    base = message.offset;
    window = message.window ?? window;
    isOpen = true;
  };
  const { socket } = openWebSocket(upgradeRequest(url, number, dialect === "v1"), {
    opened() {
      isOpen = dialect !== "v1";
      wake();
    },
    data: { feed() {} },
    text(payload) {
      heard(payload);
      wake();
    },
    closed(reason) {
      broken = new Error(`An appender lost its connection: ${reason}.`);
      wake();
    },
  });
  while (!isOpen) await change();
  const settled = async (): Promise<void> => {
    if (dialect === "frames") return;
    if (dialect === "counted") socket.write(encodeFrame(OPCODE.text, Buffer.from("count")));
    while (sent > confirmed) await change();
  };
  const size = frames.length / (cycle(recordBytes).length / recordBytes);
  const atOnce = Math.max(1, Math.floor(WRITE_BYTES / recordBytes));
  /** The position in the cycle of frames from which the next flood continues, in bytes. */
  let at = 0;
  return {
    /** Resolves when everything sent is confirmed, if the dialect confirms. */
    settled,
    /** Appends one record immediately. */
    send(record: Buffer) {
      sent += recordBytes;
      socket.write(encodeFrame(opcode, record));
    },
    /** Appends the next `records` records of the cycle. Resolves when they are confirmed, if the dialect confirms. */
    async flood(records: number) {
      for (let left = records; left > 0; ) {
        const count = Math.min(left, atOnce, (frames.length - at) / size);
        const payload = count * recordBytes;
        while (socket.writableNeedDrain || sent + payload - confirmed > window) await change();
        socket.write(frames.subarray(at, at + count * size), () => wake());
        at = (at + count * size) % frames.length;
        sent += payload;
        left -= count;
      }
      while (socket.writableLength > 0) await change();
      await settled();
    },
  };
}

type Appender = Awaited<ReturnType<typeof openFrameAppender>>;

/** Opens connections for requests, which wait for one. */
function poolOf({ target }: AppendJob, size: number) {
  const server = requestOf(target.url, 0, {});
  return { idle: Array.from({ length: size }, () => openCalls(server)), waiting: [] as ((calls: Calls) => void)[] };
}

/**
 * Opens an appender that sends one POST after the other. Records that arrive meanwhile form the next batch. All
 * appenders of a job share its connections, and wait for one in turn.
 */
async function openPostAppender(job: AppendJob, number: number, pool = poolOf(job, 1)): Promise<Appender> {
  const { target, recordBytes, batchBytes = WRITE_BYTES, isProducer = false, isNew = false } = job;
  const headers = { "Content-Type": "text/plain" };
  const [put, post] = ["PUT", "POST"].map((method) => requestOf(target.url, number, headers, method).head.slice(0, -2));
  let exists = false;
  let seq = 0;
  const call = async (body: Buffer): Promise<void> => {
    const calls = pool.idle.pop() ?? (await new Promise<Calls>((resolve) => void pool.waiting.push(resolve)));
    const numbered = isProducer && exists ? `Producer-Id: p\r\nProducer-Epoch: 0\r\nProducer-Seq: ${seq++}\r\n` : "";
    await calls.call(`${exists ? post : put}${numbered}Content-Length: ${body.length}\r\n\r\n`, body);
    exists = true;
    const next = pool.waiting.shift();
    if (next) next(calls);
    else pool.idle.push(calls);
  };
  if (!isNew) await call(Buffer.alloc(0));
  const whole = cycle(recordBytes);
  const max = Math.max(1, Math.floor(batchBytes / recordBytes)) * recordBytes;
  const waiting: Buffer[] = [];
  let posted: Promise<void> = Promise.resolve();
  /** The position in the cycle of records from which the next flood continues, in bytes. */
  let at = 0;
  return {
    settled: () => posted,
    send(record) {
      if (waiting.push(record) > 1) return;
      posted = posted.then(() => call(Buffer.concat(waiting.splice(0))));
      // A failure reaches the caller through `settled`.
      posted.catch(() => {});
    },
    async flood(records) {
      for (let left = records * recordBytes; left > 0; ) {
        const batch = whole.subarray(at, at + Math.min(max, left));
        await call(batch);
        at = (at + batch.length) % whole.length;
        left -= batch.length;
      }
    },
  };
}
