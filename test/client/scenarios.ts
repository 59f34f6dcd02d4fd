/**
 * What the client must do on every runtime and with every server. Each scenario gets the URL of a folder, and appends
 * to paths of its own in it.
 * @module
 */
import assert from "node:assert/strict";
import { append, type ErrorCode, follow, openAppend, StreamError } from "../../src/client/mod.ts";
import { ALL_BYTES, MIXED_TEXT, randomBytes } from "../fixture/bytes.ts";
import { until } from "../fixture/until.ts";

/** Scenarios by name. */
export type Scenarios = Readonly<Record<string, (folder: string) => Promise<void>>>;

/** Asserts that an action fails with a {@link StreamError} that has this code and a sentence. */
export async function refuses(code: ErrorCode, action: () => Promise<unknown>): Promise<void> {
  await assert.rejects(action, (error) => {
    assert.ok(error instanceof StreamError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, /^[A-Z"].*[^\s]$/);
    return true;
  });
}

/** Reads a stream to its end. */
export async function all(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Reads until there are at least `count` bytes. */
export async function atLeast(reader: ReadableStreamDefaultReader<Uint8Array>, count: number): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  while (bytes.length < count) {
    const { done, value } = await reader.read();
    assert.ok(!done, `the end came after ${bytes.length} bytes`);
    bytes = Buffer.concat([bytes, value]);
  }
  return bytes;
}

let paths = 0;

function fresh(folder: string): string {
  return `${folder}/${process.pid}/${paths++}.txt`;
}

export const SCENARIOS: Scenarios = {
  async "appends bytes that are not text, and reads them back"(folder) {
    const url = fresh(folder);
    const bytes = randomBytes(3_000_000, 1);
    assert.deepEqual(await append(url, bytes), { bytes: bytes.length, offset: bytes.length });
    assert.ok((await all(follow(url))).equals(bytes));
    const whole = Buffer.concat([bytes, ALL_BYTES, Buffer.from(MIXED_TEXT)]);
    assert.deepEqual(await append(url.replace("http:", "ws:"), [ALL_BYTES, "", MIXED_TEXT]), {
      bytes: whole.length - bytes.length,
      offset: whole.length,
    });
    assert.ok((await all(follow(url.replace("http:", "ws:")))).equals(whole));
  },

  async "follows stored and live bytes to the end"(folder) {
    const url = fresh(folder);
    const states: string[] = [];
    const writer = (await openAppend(url)).getWriter();
    await writer.write("history, ");
    const reader = follow(url, { onState: ({ state }) => states.push(state) }).getReader();
    assert.equal(String(await atLeast(reader, 9)), "history, ");
    await writer.write("lïve");
    assert.equal(String(await atLeast(reader, 5)), "lïve");
    await writer.close();
    assert.deepEqual(await reader.read(), { done: true, value: undefined });
    assert.deepEqual(states, ["connecting", "open", "ended"]);
  },

  async "follows live bytes that are not text"(folder) {
    const url = fresh(folder);
    const writer = (await openAppend(url)).getWriter();
    await writer.write("text first");
    const reader = follow(url).getReader();
    assert.equal(String(await atLeast(reader, 10)), "text first");
    await writer.write(ALL_BYTES);
    assert.deepEqual(await atLeast(reader, 256), ALL_BYTES);
    await writer.write("text again");
    await writer.close();
    assert.equal(String(await atLeast(reader, 10)), "text again");
    assert.equal((await reader.read()).done, true);
  },

  async "refuses a second appender, and accepts it when the first has ended"(folder) {
    const url = fresh(folder);
    const first = await openAppend(url);
    await refuses("conflict", () => openAppend(url));
    await refuses("conflict", () => append(url, "second"));
    await first.close();
    await append(url, "second");
    assert.equal(String(await all(follow(url))), "second");
  },

  async "starts where requested, in stored content"(folder) {
    const url = fresh(folder);
    await append(url, "0123456789");
    assert.equal(String(await all(follow(url))), "0123456789");
    assert.equal(String(await all(follow(url, { offset: 7 }))), "789");
    assert.equal(String(await all(follow(url, { tail: 2 }))), "89");
    assert.equal(String(await all(follow(url, { tail: 99 }))), "0123456789");
    assert.equal(String(await all(follow(url, { offset: "now" }))), "");
    assert.equal(String(await all(follow(url, { offset: 8, transport: "http" }))), "89");
    await refuses("range", () => all(follow(url, { offset: 11 })));
  },

  async "starts where requested, with a live appender"(folder) {
    const url = fresh(folder);
    const writer = (await openAppend(url)).getWriter();
    const early = follow(url).getReader();
    await writer.write("0123456789");
    await atLeast(early, 10);
    const readers = [
      follow(url, { offset: 7 }).getReader(),
      follow(url, { tail: 3 }).getReader(),
      follow(url, { offset: 7, transport: "http" }).getReader(),
    ];
    for (const reader of readers) assert.equal(String(await atLeast(reader, 3)), "789");
    await refuses("range", () => all(follow(url, { offset: 11 })));
    await writer.write("abc");
    await writer.close();
    for (const reader of [early, ...readers]) {
      assert.equal(String(await atLeast(reader, 3)), "abc");
      assert.equal((await reader.read()).done, true);
    }
  },

  async "reports the code of a refusal"(folder) {
    await refuses("not_found", () => all(follow(`${folder}/never/written`)));
    await refuses("not_found", () => all(follow(`${folder}/never/written`, { transport: "http" })));
    await refuses("bad_path", () => append(`${folder}/a%2fb`, "x"));
    await append(`${folder}/${process.pid}-file`, "x");
    await refuses("path_conflict", () => append(`${folder}/${process.pid}-file/below`, "x"));
    await refuses("unreachable", () => append("http://127.0.0.1:1/a", "x"));
    await refuses("unreachable", () => all(follow("http://127.0.0.1:1/a")));
    await refuses("unreachable", () => all(follow("http://127.0.0.1:1/a", { transport: "http" })));
    await refuses("bad_request", () => append("ftp://host/a", "x"));
    await refuses("bad_request", async () => follow(folder, { offset: -7 }));
  },

  async "is aborted, before and after the connection is open"(folder) {
    const url = fresh(folder);
    const gone = AbortSignal.abort(new Error("no more"));
    await refuses("aborted", () => append(url, "x", { signal: gone }));
    await refuses("aborted", () => all(follow(url, { signal: gone })));

    const appending = new AbortController();
    const following = new AbortController();
    const writer = (await openAppend(url, { signal: appending.signal })).getWriter();
    await writer.write("x");
    const reader = follow(url, { signal: following.signal }).getReader();
    await atLeast(reader, 1);
    const end = reader.read();
    following.abort(new Error("no more"));
    await refuses("aborted", () => end);
    appending.abort(new Error("no more"));
    await refuses("aborted", () => writer.closed);
    await refuses("aborted", () => writer.write("y"));
    const pumping = new AbortController();
    async function* endless(): AsyncGenerator<string> {
      yield "z";
      pumping.abort(new Error("no more"));
      await new Promise(() => {});
    }
    await refuses("aborted", () => append(fresh(folder), endless(), { signal: pumping.signal }));
  },

  async "leaves when it is cancelled, and keeps the path reserved when it is aborted"(folder) {
    const url = fresh(folder);
    const stream = await openAppend(url);
    const writer = stream.getWriter();
    await writer.write("x");
    for await (const chunk of follow(url)) {
      assert.equal(String(Buffer.from(chunk)), "x");
      break;
    }
    const { resumePoint } = stream;
    await writer.abort();
    await refuses("conflict", () => append(url, "y"));
    // A client that has its session can resume it.
    assert.ok(resumePoint);
    assert.deepEqual(await append(url, "xy", { resume: { ...resumePoint, offset: 0 } }), { bytes: 1, offset: 2 });
    assert.equal(String(await all(follow(url))), "xy");
  },

  async "appends over HTTP, live, and learns how the server refuses"(folder) {
    const url = fresh(folder);
    const transport = "http";
    const bytes = randomBytes(1_000_000, 2);
    assert.deepEqual(await append(url, bytes, { transport }), { bytes: bytes.length, offset: bytes.length });
    const stream = await openAppend(url, { transport, offset: bytes.length });
    const writer = stream.getWriter();
    await writer.write("live");
    // A write is done when the bytes are on their way.
    await until("the append to begin", async () => {
      const { headers } = await fetch(url, { method: "HEAD" });
      return headers.get("Stream-Appending") === "?1";
    });
    const reader = follow(url).getReader();
    assert.ok((await atLeast(reader, bytes.length + 4)).equals(Buffer.concat([bytes, Buffer.from("live")])));
    await writer.write(", too");
    assert.equal(String(await atLeast(reader, 5)), ", too");
    await refuses("conflict", () => append(url, "x", { transport }));
    await refuses("conflict", () => append(url, bytes, { transport }));
    await writer.close();
    assert.equal((await reader.read()).done, true);
    assert.equal(stream.offset, bytes.length + 9);
    await refuses("precondition_failed", () => append(url, "x", { transport, offset: 1 }));
    await refuses("unreachable", () => append("http://127.0.0.1:9/a", "x", { transport }));
    await refuses("bad_request", () => append(url, "x", { transport, resume: { session: "s" } }));
  },

  async "sends what a source yielded before it failed"(folder) {
    const url = fresh(folder);
    const failure = new Error("the source has run dry");
    async function* source(): AsyncGenerator<string> {
      yield "one, ";
      yield "two";
      throw failure;
    }
    await assert.rejects(append(url, source()), failure);
    assert.equal(await (await fetch(url)).text(), "one, two");
    const other = fresh(folder);
    await refuses("bad_request", () => append(other, ["three, ", 4, "five"] as never));
    assert.equal(await (await fetch(other)).text(), "three, ");
  },
};
