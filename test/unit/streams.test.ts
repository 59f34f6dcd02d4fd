/** The streams of a server, used by the program that runs it. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { createStreams, memoryStore, StreamError, type Streams } from "../../src/index.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const STORES: Readonly<Record<string, () => Promise<{ streams: Streams; root?: string }>>> = {
  "a file store": async () => {
    const root = await temporaryFolder("streams");
    return { streams: createStreams({ root }), root };
  },
  "a file store at the level disk": async () => {
    const root = await temporaryFolder("streams");
    return { streams: createStreams({ root, durability: "disk" }), root };
  },
  "a store in memory": async () => ({ streams: createStreams({ store: memoryStore() }) }),
};

for (const [name, open] of Object.entries(STORES)) {
  describe(`streams in ${name}`, () => {
    const using = (what: string, body: (streams: Streams, root?: string) => Promise<void>): void => {
      it(what, async () => {
        const { streams, root } = await open();
        try {
          await body(streams, root);
        } finally {
          await streams.shutdown();
          if (root !== undefined) await removeFolder(root);
        }
      });
    };

    using("append stores any source, and says where it ends", async (streams) => {
      const sources = ["text ", new TextEncoder().encode("bytes "), ["chunks ", "of text "], new Blob(["blob "])];
      let size = 0;
      for (const source of sources) {
        const before = size;
        const { bytes, offset, generation } = await streams.append("/a.txt", source);
        size = offset;
        assert.equal(bytes, offset - before);
        assert.equal(generation, (await streams.stat("a.txt"))?.generation);
      }
      assert.equal(await textOf(streams, "a.txt"), "text bytes chunks of text blob ");
    });

    using("a follow gets every byte once, whenever it joins, and its end", async (streams) => {
      const writer = (await streams.openAppend("a.txt")).getWriter();
      const early = collect(streams, "a.txt");
      const expected: string[] = [];
      const joined: Promise<{ text: string; reason: string }>[] = [early];
      for (let line = 0; line < 200; line++) {
        expected.push(`line ${line}\n`);
        void writer.write(`line ${line}\n`);
        if (line % 20 === 0) joined.push(collect(streams, "a.txt"));
        if (line % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await writer.close();
      for (const one of await Promise.all(joined)) {
        assert.deepEqual(one, { text: expected.join(""), reason: "complete" });
      }
    });

    using("a write resolves when its bytes are stored", async (streams) => {
      const stream = await streams.openAppend("a.txt");
      const writer = stream.getWriter();
      for (let count = 1; count <= 5; count++) {
        await writer.write("x");
        assert.equal((await streams.stat("a.txt"))?.size, count);
        assert.equal(stream.offset, count);
      }
      await Promise.all([writer.write("yy"), writer.write("zz")]);
      assert.equal((await streams.stat("a.txt"))?.size, 9);
      await writer.close();
    });

    using("the caller may reuse its array after a write, and change what it reads", async (streams) => {
      const writer = (await streams.openAppend("a.txt")).getWriter();
      const follows = [streams.follow("a.txt"), streams.follow("a.txt")].map((stream) => stream.getReader());
      await Promise.all(follows.map((reader) => Promise.race([reader.read(), until("the stat", async () => true)])));
      const buffer = new Uint8Array([65, 65]);
      const first = writer.write(buffer);
      await first;
      buffer.fill(66);
      await writer.write(buffer);
      await writer.close();
      assert.equal(await textOf(streams, "a.txt"), "AABB");
    });

    using("one appender at a time, also over HTTP", async (streams) => {
      const stream = await streams.openAppend("a.txt");
      await rejects(streams.openAppend("a.txt"), "conflict");
      await rejects(streams.append("a.txt", "x"), "conflict");
      const refused = await streams.app.request("/a.txt?verb=APPEND", { method: "POST", body: "x" });
      assert.equal(refused.status, 403);
      assert.equal((await streams.stat("a.txt"))?.appending, true);
      await stream.close();
      assert.equal((await streams.stat("a.txt"))?.appending, false);
      assert.equal((await streams.append("a.txt", "x")).offset, 1);
    });

    using("preconditions of an append", async (streams) => {
      await streams.append("a.txt", "12345");
      const generation = (await streams.stat("a.txt"))?.generation ?? "";
      await rejects(streams.append("a.txt", "x", { offset: 4 }), "precondition_failed");
      await rejects(streams.append("a.txt", "x", { generation: "other" }), "replaced");
      await rejects(streams.append("a.txt", "x", { offset: -1 }), "bad_request");
      await rejects(streams.append("a.txt", "x", { type: "not a type" }), "bad_request");
      const typos = { ofset: 1, from: 0 } as object;
      await rejects(streams.append("a.txt", "x", typos), "bad_request");
      await rejects(streams.openAppend("a.txt", typos), "bad_request");
      await rejects(streams.remove("a.txt", typos), "bad_request");
      await rejects(new Response(streams.follow("a.txt", typos)).text(), "bad_request");
      await rejects(new Response(streams.read("a.txt", typos)).text(), "bad_request");
      await rejects(streams.append("a.txt", "x", { signal: AbortSignal.abort() }), "aborted");
      assert.equal((await streams.append("a.txt", "6", { offset: 5, generation })).offset, 6);
    });

    using("a source that fails leaves what it gave, and followers learn that the append was lost", async (streams) => {
      const failing = async function* (): AsyncGenerator<string> {
        yield "before";
        throw new Error("the model is gone");
      };
      const stream = streams.append("a.txt", failing());
      const follow = collect(streams, "a.txt");
      await assert.rejects(stream, /the model is gone/);
      assert.deepEqual(await follow, { text: "before", reason: "lost" });
      assert.equal((await streams.stat("a.txt"))?.ended, "lost");
    });

    using("a source that can't be read leaves the path free", async (streams) => {
      const used = new Blob(["x"]).stream();
      used.getReader();
      await assert.rejects(streams.append("a.txt", used), TypeError);
      assert.equal((await streams.append("a.txt", "after")).offset, 5);
    });

    using("a shutdown that begins while an append is opened ends it", async (streams) => {
      const opening = streams.openAppend("a.txt");
      const ended = opening.then(
        async (stream) => assert.rejects(stream.getWriter().closed, { code: "restarting" }),
        (error: unknown) => assert.ok(error instanceof StreamError && error.code === "restarting"),
      );
      await streams.shutdown();
      await ended;
    });

    using("a standing follow that comes after the shutdown fails, and is counted nowhere", async (streams) => {
      await streams.append("a.txt", "abc");
      await streams.shutdown();
      await rejects(new Response(streams.follow("a.txt", { stay: true })).text(), "restarting");
      assert.equal((await streams.stat("a.txt"))?.followers, 0);
    });

    using("an aborted append is lost, and its path is free", async (streams) => {
      const abort = new AbortController();
      const stream = await streams.openAppend("a.txt", { signal: abort.signal });
      const writer = stream.getWriter();
      await writer.write("kept");
      abort.abort();
      await assert.rejects(writer.closed, { code: "aborted" });
      await until("the path to be free", async () => (await streams.stat("a.txt"))?.ended === "lost");
      assert.equal((await streams.append("a.txt", "+")).offset, 5);
    });

    using("a chunk that is neither bytes nor text ends the append with a clear error", async (streams) => {
      const writer = (await streams.openAppend("a.txt")).getWriter();
      await rejects(writer.write(42 as never), "bad_request");
      await until("the path to be free", async () => (await streams.stat("a.txt"))?.appending === false);
    });

    using("a follow of a path without an append reads what is stored, and says how it ended", async (streams) => {
      await streams.append("a.txt", "0123456789");
      assert.deepEqual(await collect(streams, "a.txt", { offset: 4 }), { text: "456789", reason: "complete" });
      assert.deepEqual(await collect(streams, "a.txt", { tail: 3 }), { text: "789", reason: "complete" });
      assert.deepEqual(await collect(streams, "a.txt", { offset: "now" }), { text: "", reason: "complete" });
      await rejects(collect(streams, "a.txt", { offset: 11 }), "range");
      await rejects(collect(streams, "a.txt", { generation: "other" }), "replaced");
      await rejects(collect(streams, "a.txt", { offset: 1, tail: 1 }), "bad_request");
      await rejects(collect(streams, "none.txt"), "not_found");
    });

    using("a reader that takes nothing holds back neither the appender nor other followers", async (streams) => {
      const writer = (await streams.openAppend("big.bin")).getWriter();
      const idle = streams.follow("big.bin");
      const other = collect(streams, "big.bin");
      await until("both followers", async () => (await streams.stat("big.bin"))?.followers === 2);
      const piece = new Uint8Array(256 * 1024).fill(97);
      for (let count = 0; count < 20; count++) await writer.write(piece);
      await writer.close();
      assert.equal((await other).text.length, 20 * piece.length);
      let length = 0;
      for await (const bytes of idle) length += bytes.length;
      assert.equal(length, 20 * piece.length);
      assert.deepEqual(await idle.ended, { reason: "complete", offset: length });
    });

    using("a cancelled follow leaves, and says so", async (streams) => {
      const writer = (await streams.openAppend("a.txt")).getWriter();
      await writer.write("abc");
      const stream = streams.follow("a.txt");
      const reader = stream.getReader();
      assert.equal((await reader.read()).value?.length, 3);
      assert.equal(stream.offset, 3);
      assert.equal((await streams.stat("a.txt"))?.followers, 1);
      await reader.cancel();
      await rejects(stream.ended, "aborted");
      await until("no follower", async () => (await streams.stat("a.txt"))?.followers === 0);
      const abort = new AbortController();
      const aborted = streams.follow("a.txt", { signal: abort.signal });
      const waiting = aborted.getReader().read();
      assert.equal((await waiting).value?.length, 3);
      abort.abort();
      await rejects(aborted.ended, "aborted");
      await writer.close();
    });

    using("a reader that leaves while it waits makes no rejection that is unhandled", async (streams) => {
      const unhandled: unknown[] = [];
      const note = (reason: unknown): void => void unhandled.push(reason);
      process.on("unhandledRejection", note);
      const stream = await streams.openAppend("a.txt");
      const reader = streams.follow("a.txt").getReader();
      const waiting = reader.read();
      await until("the follower", async () => (await streams.stat("a.txt"))?.followers === 1);
      await reader.cancel();
      assert.equal((await waiting).done, true);
      await stream.close();
      await new Promise((resolve) => setImmediate(resolve));
      process.off("unhandledRejection", note);
      assert.deepEqual(unhandled, []);
    });

    using("read gives a range", async (streams) => {
      await streams.append("a.txt", "0123456789");
      const text = (options?: Parameters<Streams["read"]>[1]): Promise<string> =>
        new Response(streams.read("a.txt", options)).text();
      assert.equal(await text(), "0123456789");
      assert.equal(await text({ from: 3, to: 5 }), "34");
      assert.equal(await text({ from: 8, to: 100 }), "89");
      assert.equal(await text({ from: 10 }), "");
      await rejects(text({ from: 11 }), "range");
      await rejects(text({ from: 5, to: 4 }), "bad_request");
      await rejects(text({ generation: "other" }), "replaced");
      await rejects(new Response(streams.read("none")).text(), "not_found");
    });

    using("list, stat and remove", async (streams) => {
      await streams.append("dir/a.txt", "a");
      await streams.append("dir/b.txt", "bb", { type: "text/x-b" });
      const rows = [];
      for await (const { name, size } of streams.list("/dir/")) rows.push([name, size]);
      assert.deepEqual(rows, [
        ["a.txt", 1],
        ["b.txt", 2],
      ]);
      await rejects(streams.list("none").next(), "not_found");
      const { size, type, ended, followers } = (await streams.stat("/dir/b.txt")) ?? {};
      assert.deepEqual([size, type, ended, followers], [2, "text/x-b", "complete", 0]);
      assert.equal(await streams.stat("dir"), undefined);
      const stream = await streams.openAppend("dir/a.txt");
      await rejects(streams.remove("dir/a.txt"), "in_use");
      await stream.close();
      assert.equal(await streams.remove("dir/a.txt"), true);
      assert.equal(await streams.remove("dir/a.txt"), false);
      await rejects(streams.remove("dir"), "path_conflict");
    });

    using("paths that no URL can name are refused", async (streams) => {
      for (const path of ["", "/", "../a", "a//b", ".httpfstream/claims/x", "a\0b", "a\\b", "a\ud800", "\udfff/b"]) {
        await rejects(streams.append(path, "x"), "bad_path");
        await rejects(streams.stat(path), "bad_path");
        await rejects(streams.remove(path), "bad_path");
        assert.throws(() => streams.follow(path), { code: "bad_path" }, path);
        assert.throws(() => streams.read(path), { code: "bad_path" }, path);
      }
    });

    using("a shutdown ends follows and appends", async (streams) => {
      const stream = await streams.openAppend("a.txt");
      const writer = stream.getWriter();
      await writer.write("abc");
      const follow = streams.follow("a.txt");
      const reader = follow.getReader();
      assert.equal((await reader.read()).value?.length, 3);
      const rest = rejects(reader.read(), "restarting");
      await streams.shutdown();
      await rest;
      await rejects(follow.ended, "restarting");
      await rejects(writer.write("x"), "restarting");
      await rejects(streams.append("b.txt", "x"), "restarting");
    });

    using("respond waits for the append that the same handler has begun", async (streams) => {
      const { Hono } = await import("hono");
      const app = new Hono();
      app.post("/chat/:id", (c) => {
        const path = `chat/${c.req.param("id")}`;
        void streams.append(path, ["hello ", "world"], { type: "text/x-answer" });
        return streams.respond(c, path);
      });
      app.get("/chat/:id", (c) => streams.respond(c, `chat/${c.req.param("id")}`));
      const answer = await app.request("/chat/1", { method: "POST", body: "hi" });
      assert.equal(answer.headers.get("content-type"), "text/x-answer");
      assert.equal(await answer.text(), "hello world");
      assert.equal(await (await app.request("/chat/1?offset=6")).text(), "world");
      assert.equal((await app.request("/chat/2")).status, 404);
      assert.equal((await app.request("/chat/..%2f")).status, 400);
    });

    if (name === "a file store") {
      using("plain files stay plain", async (streams, root = "") => {
        await streams.append("dir/a.txt", "hello\n");
        assert.equal(await readFile(join(root, "dir/a.txt"), "utf8"), "hello\n");
        await writeFile(join(root, "b.txt"), "by hand");
        assert.equal(await textOf(streams, "b.txt"), "by hand");
        assert.equal((await streams.stat("b.txt"))?.ended, "unknown");
      });
    }
  });
}

async function collect(
  streams: Streams,
  path: string,
  options?: Parameters<Streams["follow"]>[1],
): Promise<{ text: string; reason: string }> {
  const stream = streams.follow(path, options);
  const text = await new Response(stream).text();
  return { text, reason: (await stream.ended).reason };
}

function textOf(streams: Streams, path: string): Promise<string> {
  return new Response(streams.read(path)).text();
}

async function rejects(promise: Promise<unknown>, code: StreamError["code"]): Promise<void> {
  await assert.rejects(promise, (error: unknown) => error instanceof StreamError && error.code === code, code);
}
