/**
 * What the client of the package `@durable-streams/client` does with this project's server. Runs in browsers, too, so it
 * uses nothing of a runtime. Each scenario gets the URL of a folder.
 */
import { DurableStream, IdempotentProducer, StaleEpochError, stream } from "@durable-streams/client";

const LIVE = ["sse", "long-poll"] as const;
const TEXT = "text/plain";
const BYTES = "application/octet-stream";
const JSON_TYPE = "application/json";

let paths = 0;

function fresh(folder: string): string {
  return `${folder}/${Math.random().toString(36).slice(2)}/${paths++}`;
}

function expectEqual(actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found !== wanted) throw new Error(`It is ${found?.slice(0, 500)}, not ${wanted?.slice(0, 500)}.`);
}

async function joined(pieces: ReadableStream<Uint8Array>): Promise<number[]> {
  const bytes: number[] = [];
  const reader = pieces.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) bytes.push(...next.value);
  return bytes;
}

async function items(values: ReadableStream<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  const reader = values.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) all.push(next.value);
  return all;
}

/** Expects that a promise rejects, and returns the error. */
async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => {
      throw new Error("It did not fail.");
    },
    (error: unknown) => error,
  );
}

type Scenario = (folder: string) => Promise<void>;

function live(mode: (typeof LIVE)[number]): Record<string, Scenario> {
  return {
    async [`text, live over ${mode}, until the stream is closed`](folder) {
      const handle = await DurableStream.create({ url: fresh(folder), contentType: TEXT });
      await handle.append("history, ");
      const response = await handle.stream({ offset: "-1", live: mode });
      const reading = joined(response.bodyStream());
      await handle.append("lïve,\n");
      await handle.append("the rest");
      await handle.close();
      expectEqual(new TextDecoder().decode(Uint8Array.from(await reading)), "history, lïve,\nthe rest");
      expectEqual(response.streamClosed, true);
    },

    async [`bytes, live over ${mode}`](folder) {
      const handle = await DurableStream.create({ url: fresh(folder), contentType: BYTES });
      const all = Array.from({ length: 256 }, (_, byte) => byte);
      await handle.append(Uint8Array.from(all));
      const response = await handle.stream({ offset: "-1", live: mode });
      const reading = joined(response.bodyStream());
      await handle.append(Uint8Array.from([255, 0, 254]));
      await handle.close();
      expectEqual(await reading, [...all, 255, 0, 254]);
    },

    async [`JSON, live over ${mode}, closed with a last message`](folder) {
      const handle = await DurableStream.create({ url: fresh(folder), contentType: JSON_TYPE });
      await handle.append(JSON.stringify({ n: 1 }));
      const response = await handle.stream<unknown>({ offset: "-1", live: mode });
      const reading = items(response.jsonStream());
      await handle.append(JSON.stringify({ n: 2, text: "a\r\nb" }));
      await handle.close({ body: JSON.stringify({ n: 3 }) });
      expectEqual(await reading, [{ n: 1 }, { n: 2, text: "a\r\nb" }, { n: 3 }]);
    },

    async [`what comes from now on, over ${mode}`](folder) {
      const handle = await DurableStream.create({ url: fresh(folder), contentType: TEXT });
      await handle.append("old");
      const { offset = "" } = { ...(await handle.head()) } as { offset?: string };
      const response = await handle.stream({ offset, live: mode });
      const reading = joined(response.bodyStream());
      await handle.append("new");
      await handle.close();
      expectEqual(new TextDecoder().decode(Uint8Array.from(await reading)), "new");
    },

    async [`a producer with autoClaim, followed over ${mode}: each message once, in order`](folder) {
      const handle = await DurableStream.create({ url: fresh(folder), contentType: JSON_TYPE });
      const reading = handle
        .stream<number>({ offset: "-1", live: mode })
        .then((response) => items(response.jsonStream()));
      for (const run of [0, 1, 2]) {
        const errors: unknown[] = [];
        const options = {
          autoClaim: true,
          // The first begins with a newer epoch, and the others find it.
          epoch: run === 0 ? 1 : 0,
          maxInFlight: 4,
          lingerMs: 1,
          onError: (error: unknown) => errors.push(error),
        };
        const producer = new IdempotentProducer(handle, "orders", options);
        for (let n = 0; n < 300; n++) producer.append(JSON.stringify(run * 300 + n));
        await producer.flush();
        expectEqual([errors.map(String), producer.epoch], [[], run + 1]);
        await producer.detach();
      }
      await handle.close();
      expectEqual(
        await reading,
        Array.from({ length: 900 }, (_, n) => n),
      );
    },
  };
}

export const NPM_SCENARIOS: Readonly<Record<string, Scenario>> = {
  async "creates, appends, reads, looks at and removes a stream"(folder) {
    const url = fresh(folder);
    const handle = await DurableStream.create({ url, contentType: TEXT, ttlSeconds: 3600 });
    await handle.append("one, ");
    await handle.append("two");
    const { exists, contentType, streamClosed } = { contentType: "", streamClosed: true, ...(await handle.head()) };
    expectEqual([exists, contentType, streamClosed], [true, TEXT, false]);
    const response = await stream({ url, offset: "-1", live: false });
    expectEqual(await response.text(), "one, two");
    expectEqual(response.upToDate, true);
    const rest = await stream({ url, offset: response.offset, live: false });
    expectEqual(await rest.text(), "");
    await handle.delete();
    expectEqual(await handle.head(), { exists: false });
  },

  async "closes a stream, which refuses more"(folder) {
    const handle = await DurableStream.create({ url: fresh(folder), contentType: TEXT });
    const { finalOffset } = await handle.close({ body: "all" });
    expectEqual((await handle.close()).finalOffset, finalOffset);
    const error = (await failure(handle.append("more"))) as { status?: number };
    expectEqual(error.status, 409);
    const response = await handle.stream({ offset: "-1" });
    expectEqual([await response.text(), response.streamClosed], ["all", true]);
  },

  async "tells a producer with a stale epoch"(folder) {
    const handle = await DurableStream.create({ url: fresh(folder), contentType: TEXT });
    const newer = new IdempotentProducer(handle, "p", { epoch: 2 });
    newer.append("new");
    await newer.flush();
    const errors: unknown[] = [];
    const older = new IdempotentProducer(handle, "p", { epoch: 1, onError: (error) => errors.push(error) });
    older.append("old");
    await older.flush().catch(() => {});
    expectEqual([errors.length, errors[0] instanceof StaleEpochError], [1, true]);
    await newer.close("er");
    const response = await handle.stream({ offset: "-1" });
    expectEqual(await response.text(), "newer");
  },

  ...live("sse"),
  ...live("long-poll"),
};
