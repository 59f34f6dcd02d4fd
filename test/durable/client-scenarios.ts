/**
 * What the client must do with Durable Streams on every runtime, with a server that speaks nothing else, and with a
 * server of this project. Each scenario gets the URL of a folder.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { type AppendOptions, append, type FollowStream, follow, openAppend } from "../../src/client/mod.ts";
import { all, atLeast, refuses, type Scenarios } from "../client/scenarios.ts";
import { ALL_BYTES, MIXED_TEXT, randomBytes } from "../fixture/bytes.ts";
import { until } from "../fixture/until.ts";

const JSON_TYPE = { "Content-Type": "application/json" };
const TEXT_TYPE = { "Content-Type": "text/plain" };

let paths = 0;

function fresh(folder: string): string {
  return `${folder}/${process.pid}/${paths++}`;
}

/** Reads a stream of lines to its end, and parses each line. */
async function messages(stream: FollowStream): Promise<unknown[]> {
  const text = (await all(stream)).toString();
  assert.ok(text === "" || text.endsWith("\n"), text.slice(-100));
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

/** What a server of this project can do besides. */
const OWN_SCENARIOS: Scenarios = {
  async "closes a stream at the end of an append with any protocol, and lets its followers go"(folder) {
    const ways: AppendOptions[] = [{}, { transport: "http" }, { protocol: "durable-streams" }];
    for (const [index, options] of ways.entries()) {
      const url = `${fresh(folder)}-${index}`;
      await append(url, "first, ", options);
      const standing = follow(url, { stay: true });
      const reading = all(standing);
      const durable = all(follow(url, { protocol: "durable-streams" }));
      await append(url, "last", { ...options, close: true });
      assert.equal(String(await reading), "first, last");
      assert.equal((await standing.ended).reason, "complete");
      assert.equal(String(await durable), "first, last");
      for (const way of ways) await refuses("closed", () => append(url, "more", way));
    }
  },
};

/**
 * The scenarios.
 *
 * @param protocol What the client is told to speak. Default: it finds out.
 */
export function durableScenarios(protocol?: "durable-streams"): Scenarios {
  const told = protocol === undefined ? {} : { protocol };

  return {
    ...(protocol !== undefined && OWN_SCENARIOS),

    async "appends bytes that are not text, closes the stream, and reads it back"(folder) {
      const url = fresh(folder);
      const bytes = randomBytes(3_000_000, 1);
      const first = await append(url, bytes, told);
      assert.equal(first.bytes, bytes.length);
      assert.equal(first.offset, undefined);
      const second = await append(url, [ALL_BYTES, "", MIXED_TEXT], { ...told, close: true });
      assert.ok(String(second.position) > String(first.position), `${first.position}, ${second.position}`);
      const stream = follow(url, told);
      const whole = Buffer.concat([bytes, ALL_BYTES, Buffer.from(MIXED_TEXT)]);
      assert.ok((await all(stream)).equals(whole));
      assert.deepEqual(await stream.ended, { reason: "complete", offset: undefined });
      assert.equal(stream.position, `0@${second.position}`);
      assert.equal(stream.offset, undefined);
      await refuses("closed", () => append(url, "more", told));
    },

    async "follows stored and live bytes of a text byte for byte, until it is closed"(folder) {
      const url = fresh(folder);
      const states: string[] = [];
      const onState = ({ state }: { state: string }): unknown => states.push(state);
      const options = { ...told, headers: TEXT_TYPE, close: true };
      const writer = (await openAppend(url, options)).getWriter();
      // Server-sent events would change each of these.
      const pieces = ["history\r", "lïve\r\n\r", Buffer.from([255, 0, 254]), "\ufeffdata: x\n\n", "the end"];
      await writer.write(pieces[0] as string);
      const reader = follow(url, { ...told, onState }).getReader();
      assert.equal(String(await atLeast(reader, 8)), "history\r");
      for (const piece of pieces.slice(1)) {
        await writer.write(piece);
        const expected = Buffer.from(piece as string);
        assert.deepEqual(await atLeast(reader, expected.length), expected);
      }
      await writer.close();
      assert.deepEqual(await reader.read(), { done: true, value: undefined });
      assert.deepEqual(
        states.filter((state) => state !== "connecting"),
        ["open", "ended"],
      );
      const { headers } = await fetch(url, { method: "HEAD" });
      assert.equal(headers.get("Content-Type"), "text/plain");
    },

    async "appends and follows the messages of a JSON stream as lines"(folder) {
      const url = fresh(folder);
      const stored = [{ a: ['x,]"\\', {}] }, [1, 2], "süß\n", 0.5, null, [], [[]]];
      const lines = stored.map((value) => `${JSON.stringify(value)}\r\n\n`).join("");
      await append(url, lines, { ...told, headers: JSON_TYPE });
      const writer = (await openAppend(url, { ...told, close: true })).getWriter();
      const reading = messages(follow(url, told));
      await writer.write('{"split');
      await writer.write('": "in two"}\n"last, without a line end"');
      await writer.close();
      const expected = [...stored, { split: "in two" }, "last, without a line end"];
      // With what is stored, a failure tells whether the reader or the writer is at fault.
      const read = await reading;
      assert.deepEqual({ read, kept: await (await fetch(url)).json() }, { read: expected, kept: expected });
    },

    async "appends a million bytes of messages, and none of them twice"(folder) {
      const url = fresh(folder);
      const numbers = Array.from({ length: 20_000 }, (_, n) => ({ n, text: "x".repeat(40) }));
      const lines = numbers.map((value) => `${JSON.stringify(value)}\n`);
      await append(url, lines, { ...told, headers: JSON_TYPE, close: true });
      assert.deepEqual(await messages(follow(url, told)), numbers);
    },

    async "refuses a line that is not JSON; the lines before it are stored"(folder) {
      const url = fresh(folder);
      // In the array of a request, "2, 3" would be two messages.
      await refuses("not_json", () => append(url, ["1\n", "2, 3\n", "4\n"], { ...told, headers: JSON_TYPE }));
      await append(url, "5", { ...told, close: true });
      assert.deepEqual(await messages(follow(url, told)), [1, 5]);
    },

    async "stores what a source yields before it fails, and does not close the stream"(folder) {
      const url = fresh(folder);
      async function* failing(): AsyncGenerator<string> {
        yield "before";
        throw new Error("no more");
      }
      await assert.rejects(append(url, failing(), { ...told, close: true }), /no more/);
      await append(url, ", after", { ...told, close: true });
      assert.equal(String(await all(follow(url, told))), "before, after");
    },

    async "creates an empty stream, with the headers for its creation"(folder) {
      const url = fresh(folder);
      const headers = { "Content-Type": "text/csv", "Stream-TTL": "3600" };
      assert.equal((await append(url, "", { ...told, headers })).bytes, 0);
      const found = await fetch(url, { method: "HEAD" });
      assert.deepEqual([found.headers.get("Content-Type"), found.headers.get("Stream-TTL")], ["text/csv", "3600"]);
      await refuses("mismatch", () => append(url, "x", { ...told, headers: TEXT_TYPE }));
      await append(url, "a,b\n", { ...told, close: true });
      assert.equal(String(await all(follow(url, told))), "a,b\n");
    },

    async "closes a stream that gets nothing more"(folder) {
      const url = fresh(folder);
      await append(url, "all", told);
      await append(url, "", { ...told, close: true });
      assert.equal(String(await all(follow(url, told))), "all");
    },

    async "continues at the position of an earlier follow, to the byte"(folder) {
      const url = fresh(folder);
      const bytes = randomBytes(700_000, 3);
      await append(url, bytes, { ...told, close: true });
      const parts: Uint8Array[] = [];
      for (let position: string | undefined; ; ) {
        const stream = follow(url, { ...told, ...(position !== undefined && { position }) });
        const reader = stream.getReader();
        const { done, value } = await reader.read();
        if (done) break;
        parts.push(value);
        position = stream.position;
        await reader.cancel();
      }
      assert.ok(parts.length > 1, "one response had everything in one piece");
      assert.ok(Buffer.concat(parts).equals(bytes));
    },

    async "starts at the end, and at a token of the server"(folder) {
      const url = fresh(folder);
      const { position = "" } = await append(url, "old, ", { ...told, headers: TEXT_TYPE });
      const stream = follow(url, { ...told, offset: "now" });
      await until("the position of the end", () => stream.position !== undefined);
      const { position: second = "" } = await append(url, "new", { ...told, close: true });
      assert.equal(String(await all(stream)), "new");
      assert.equal(String(await all(follow(url, { position }))), "new");
      assert.equal(String(await all(follow(url, { position: second }))), "");
      assert.equal(String(await all(follow(url, { position: `2@${position}` }))), "w");
    },

    async "refuses what such a server can't do"(folder) {
      const url = fresh(folder);
      await append(url, "text", { ...told, close: true });
      await refuses("protocol", async () => await all(follow(url, { ...told, offset: 2 })));
      await refuses("protocol", async () => await all(follow(url, { ...told, tail: 2 })));
      assert.throws(() => follow(url, { position: "a&b" }), { code: "bad_request" });
      assert.throws(() => follow(url, { position: "-1", tail: 1 }), { code: "bad_request" });
      await refuses("range", async () => await all(follow(url, { position: "5@-1" })));
      const code = protocol === undefined ? "protocol" : "bad_request";
      await refuses(code, () => append(url, "x", { ...told, offset: 4 }));
      await refuses(code, () => append(url, "x", { ...told, resume: { session: "s", offset: 4 } }));
    },

    async "ends when the stream is removed, and an append to it fails"(folder) {
      const url = fresh(folder);
      const appending = await openAppend(url, told);
      const empty = appending.position;
      const writer = appending.getWriter();
      await writer.write("text");
      const stream = follow(url, told);
      const reader = stream.getReader();
      assert.equal(String(await atLeast(reader, 4)), "text");
      // The reference server shows bytes before it has finished their append, and makes a stream that is removed until
      // then anew.
      await until("the answer to the append", () => appending.position !== empty);
      await until("the path to be free", async () => (await fetch(url, { method: "DELETE" })).status === 204);
      assert.equal((await reader.read()).done, true);
      assert.deepEqual(await stream.ended, { reason: "deleted", offset: undefined });
      await refuses("gone", async () => {
        await writer.write("more");
        await writer.close();
      });
      await refuses("not_found", async () => await all(follow(url, told)));
    },

    async "waits with `stay` for a stream that does not exist"(folder) {
      const url = fresh(folder);
      const states: string[] = [];
      const onState = ({ state }: { state: string }): unknown => states.push(state);
      const reading = all(follow(url, { ...told, stay: true, onState }));
      await until("the follow to wait", () => states.includes("idle"));
      await append(url, "one, ", told);
      await append(url, "two", { ...told, close: true });
      assert.equal(String(await reading), "one, two");
    },

    async "appends with several producers at once, each line once"(folder) {
      const url = fresh(folder);
      await append(url, "", { ...told, headers: TEXT_TYPE });
      const names = ["a", "b", "c", "d"];
      await Promise.all(
        names.map((name) =>
          append(
            url,
            Array.from({ length: 50 }, (_, n) => `${name}${n}\n`),
            told,
          ),
        ),
      );
      await append(url, "", { ...told, close: true });
      const lines = String(await all(follow(url, told)))
        .split("\n")
        .slice(0, -1);
      for (const name of names) {
        const own = lines.filter((line) => line.startsWith(name));
        assert.deepEqual(
          own,
          Array.from({ length: 50 }, (_, n) => `${name}${n}`),
        );
      }
    },

    async "stops when its signal aborts"(folder) {
      const url = fresh(folder);
      const controller = new AbortController();
      const { signal } = controller;
      const writer = (await openAppend(url, { ...told, signal })).getWriter();
      await writer.write("x");
      const reader = follow(url, { ...told, signal }).getReader();
      assert.equal(String(await atLeast(reader, 1)), "x");
      const next = reader.read();
      controller.abort();
      await refuses("aborted", () => next);
      await refuses("aborted", () => writer.closed);
    },
  };
}
