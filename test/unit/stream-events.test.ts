/** The option `onEvent`. */
import assert from "node:assert/strict";
import { it, mock } from "node:test";
import { createStreams, memoryStore, type StreamEvent } from "../../src/index.ts";
import { until } from "../fixture/until.ts";

const HOST = { headers: { Host: "localhost" } };

/** An event in one line. */
function line(event: StreamEvent): string {
  if (event.type === "removed") return `removed ${event.path}`;
  if (event.type === "refused") return `refused ${event.method} ${event.path} ${event.error.code}`;
  const how = event.type === "ended" ? ` ${event.reason}${event.error ? ` ${event.error.code}` : ""}` : "";
  return `${event.action} ${event.type} ${event.path} ${event.offset}${how}`;
}

it("tells what happens to streams: began, ended, removed, refused", async () => {
  const lines: string[] = [];
  const streams = createStreams({ store: memoryStore(), deletes: "all", onEvent: (event) => lines.push(line(event)) });
  await streams.append("a.txt", "abc");
  const appending = await streams.openAppend("a.txt");
  const follow = streams.follow("a.txt").getReader();
  await follow.read();
  await streams.app.request("/a.txt?verb=APPEND", { method: "POST", body: "x", ...HOST });
  await streams.app.request("/a.txt", { method: "DELETE", ...HOST });
  await appending.abort();
  await follow.read();
  await streams.app.request("/a.txt", { method: "DELETE", ...HOST });
  await streams.app.request("/none.txt", HOST);
  await streams.app.request("/../x", HOST);
  await streams.shutdown();
  assert.deepEqual(lines, [
    "append began a.txt 0",
    "append ended a.txt 3 complete",
    "append began a.txt 3",
    "follow began a.txt 0",
    "refused POST a.txt conflict",
    "refused DELETE a.txt in_use",
    "follow ended a.txt 3 lost",
    "append ended a.txt 3 lost",
    "removed a.txt",
    "refused GET none.txt not_found",
    "refused GET x not_found",
  ]);
});

it("tells which error ended an append", async () => {
  const events: StreamEvent[] = [];
  const store = memoryStore();
  const claim = store.claim.bind(store);
  store.claim = async (path, options) =>
    Object.assign(await claim(path, options), { append: () => Promise.reject(new Error("no more disk")) });
  const streams = createStreams({ store, onEvent: (event) => events.push(event), log: () => {} });
  await assert.rejects(streams.append("a.txt", "abc"), { code: "storage" });
  const ended = events.at(-1);
  assert.ok(ended?.type === "ended" && ended.action === "append");
  assert.equal(ended.reason, "failed");
  assert.equal(ended.error?.code, "storage");
  await streams.shutdown();
});

it("a function that throws or rejects has no effect, and is reported on the console", async () => {
  const write = mock.method(console, "error", () => {});
  try {
    for (const onEvent of [
      () => {
        throw new Error("broken listener");
      },
      async () => {
        throw new Error("broken async listener");
      },
    ]) {
      const streams = createStreams({ store: memoryStore(), onEvent });
      assert.equal((await streams.append("a.txt", "abc")).offset, 3);
      assert.equal(await new Response(streams.follow("a.txt")).text(), "abc");
      assert.equal((await streams.app.request("/none", HOST)).status, 404);
      await streams.shutdown();
    }
    const text = await until("both reports", () => {
      const written = write.mock.calls.map(({ arguments: [line] }) => String(line)).join("\n");
      return written.includes("broken listener") && written.includes("broken async") ? written : undefined;
    });
    assert.match(text, /the function "onEvent" failed/);
  } finally {
    write.mock.restore();
  }
});

it("tells what ended an append that was lost", async () => {
  const ended: StreamEvent[] = [];
  const onEvent = (event: StreamEvent): void => {
    if (event.type === "ended" && event.action === "append") ended.push(event);
  };
  const streams = createStreams({ store: memoryStore(), onEvent });
  const gone = new Error("the model is gone");
  const failing = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull(controller) {
        controller.error(gone);
      },
    });
  await assert.rejects(streams.append("source.txt", failing()), gone);
  await assert.rejects(streams.append("chunk.txt", [5] as never), { code: "bad_request" });
  const leaving = new AbortController();
  const aborted = await streams.openAppend("signal.txt", { signal: leaving.signal });
  leaving.abort(gone);
  await assert.rejects(aborted.getWriter().closed, { code: "aborted" });
  const request = { method: "POST", body: failing(), duplex: "half", ...HOST };
  await streams.app.request("/body.txt?verb=APPEND", request);
  await (await streams.openAppend("plain.txt")).abort();
  // A shutdown is no failure.
  await streams.openAppend("open.txt");
  await streams.shutdown();
  await until("all ends", () => ended.length === 6);
  const told = ended.map((event) => {
    assert.ok(event.type === "ended" && event.action === "append");
    const { path, reason, error } = event;
    return [path, reason, error?.code, error?.cause === gone];
  });
  assert.deepEqual(told, [
    ["source.txt", "lost", "lost", true],
    ["chunk.txt", "lost", "bad_request", false],
    ["signal.txt", "lost", "aborted", true],
    ["body.txt", "lost", "lost", true],
    ["plain.txt", "lost", undefined, false],
    ["open.txt", "restarting", undefined, false],
  ]);
});
