/** The entries of a folder, as the viewer page reads them. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { Refused, Source } from "../../src/viewer/page/bytes/source.ts";
import { type Listing, readEntries, readEntriesAfter } from "../../src/viewer/page/folder/entries.ts";

const ROW = { kind: "file", size: 1, modified: "2026-11-28T12:00:00.000Z", appending: false };
const ENCODER = new TextEncoder();

/** A folder whose server answers with this body, and the addresses that are asked for. */
function folderWith(body: BodyInit, status = 200): { readonly source: Source; readonly asked: string[] } {
  const source = new Source("http://localhost/logs?x=1");
  const asked: string[] = [];
  source.requestWithRetries = async (url) => {
    asked.push(url.pathname + url.search);
    return new Response(body, { status });
  };
  return { source, asked };
}

function event(type: string, data: unknown): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A stream that sends what is written to it, and says whether it was cancelled. */
class Events {
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  isCancelled = false;
  readonly body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      this.#controller = controller;
    },
    cancel: () => {
      this.isCancelled = true;
    },
  });

  send(text: string): void {
    this.#controller?.enqueue(ENCODER.encode(text));
  }
}

/** Lets all that is under way in streams and promises happen. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("the entries of a folder in the viewer", () => {
  it("change as the events say, and tell whether there are more", async () => {
    const list = {
      path: "/logs",
      entries: [
        { name: "a", ...ROW },
        { name: "b", ...ROW },
      ],
      next: "b",
    };
    const text = event("list", list) + event("change", { name: "c", ...ROW }) + event("gone", { name: "a" });
    const { source, asked } = folderWith(text + event("list", { ...list, next: undefined }));
    const seen: Listing[] = [];
    await assert.rejects(readEntries(source, ({ entries, next }) => seen.push({ entries: new Map(entries), next })));
    assert.deepEqual(asked, ["/logs/?x=1&live=sse"]);
    assert.deepEqual([...(seen[seen.length - 1]?.entries.keys() ?? [])], ["a", "b"]);
    assert.equal(seen[seen.length - 1]?.next, undefined);
    const part = folderWith(
      event("list", list) + event("change", { name: "c", ...ROW }) + event("gone", { name: "a" }),
    );
    seen.length = 0;
    await assert.rejects(
      readEntries(part.source, ({ entries, next }) => seen.push({ entries: new Map(entries), next })),
    );
    assert.deepEqual([...(seen[0]?.entries.keys() ?? [])], ["b", "c"]);
    assert.equal(seen[0]?.next, "b");
  });

  it("after a name are those of one answer", async () => {
    const { source, asked } = folderWith(
      JSON.stringify({ path: "/logs", entries: [{ name: "c", ...ROW }], next: "c" }),
    );
    const { entries, next } = await readEntriesAfter(source, "b&b");
    assert.deepEqual([[...entries.keys()], next], [["c"], "c"]);
    assert.deepEqual(asked, ["/logs/?x=1&after=b%26b&limit=10000"]);
    await assert.rejects(readEntriesAfter(folderWith("no", 403).source, "b"), new Refused(403, "no"));
  });

  it("end when the server has been silent for 45 seconds, and not before", async (test: TestContext) => {
    test.mock.timers.enable({ apis: ["setTimeout"] });
    const events = new Events();
    const { source } = folderWith(events.body);
    let calls = 0;
    let end: unknown;
    const reading = readEntries(source, () => calls++).catch((error: unknown) => {
      end = error;
    });
    await turns();
    events.send(event("list", { entries: [] }));
    await turns();
    for (let beat = 0; beat < 4; beat++) {
      test.mock.timers.tick(44_000);
      await turns();
      events.send(event("heartbeat", {}));
      await turns();
    }
    assert.equal(end, undefined);
    assert.equal(calls, 5);
    test.mock.timers.tick(44_999);
    await turns();
    assert.equal(events.isCancelled, false);
    test.mock.timers.tick(1);
    await reading;
    assert.match(String(end), /has ended/);
    assert.equal(events.isCancelled, true);
  });
});
