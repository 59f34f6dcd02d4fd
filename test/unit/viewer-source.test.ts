/** The requests of the viewer page, over connections that break. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { LineIndex, loadCounts } from "../../src/viewer/page/bytes/line-index.ts";
import { Refused, Replaced, Source } from "../../src/viewer/page/bytes/source.ts";
import { BLOCK_BYTES } from "../../src/viewer/shared/messages.ts";

const HEADERS = { "Stream-Generation": "7" };

/** A response whose connection breaks after some text. */
function broken(status: number, text = ""): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (text !== "") controller.enqueue(new TextEncoder().encode(text));
      controller.error(new DOMException("The operation was aborted.", "AbortError"));
    },
  });
  return new Response(body, { status, headers: HEADERS });
}

const whole = (status: number, text: string): Response => new Response(text, { status, headers: HEADERS });

describe("a request of the viewer page", () => {
  let source: Source;
  beforeEach(() => {
    mock.method(globalThis, "setTimeout", (run: () => void) => setImmediate(run));
    // The window says when the browser is online again. Node has none.
    Object.assign(globalThis, { addEventListener() {}, removeEventListener() {} });
    source = new Source("http://localhost/a.log");
    source.generation = "7";
  });

  afterEach(() => mock.restoreAll());

  function answers(...responses: Response[]): void {
    mock.method(globalThis, "fetch", async () => responses.shift());
  }

  it("is repeated when an overloaded server's refusal breaks off", async () => {
    answers(broken(503, "Later"), broken(206, "by"), whole(206, "bytes"));
    assert.equal(Buffer.from(await source.read(0, 5)).toString(), "bytes");
  });

  it("takes the refusal of a cache whose copy is too short, also if that breaks off", async () => {
    answers(broken(416), new Response("bytes", { headers: { ...HEADERS, "Stream-Start-Offset": "5" } }));
    assert.equal(Buffer.from(await source.read(5, 10)).toString(), "bytes");
  });

  it("says that the content is another one, also if that answer breaks off", async () => {
    answers(broken(412));
    await assert.rejects(source.read(0, 5), Replaced);
  });

  it("is repeated when the counts of lines break off, and given up when they are refused", async () => {
    const index = new LineIndex();
    answers(broken(200, '{"counts": [1'), whole(200, '{"counts": [12]}'));
    await loadCounts(source, index, BLOCK_BYTES);
    assert.equal(index.in(0), 12);
    answers(broken(403));
    assert.equal(await loadCounts(source, index, 2 * BLOCK_BYTES), "The server answered 403.");
    assert.equal(index.in(1), undefined);
    answers(whole(413, "Lines are counted in resources of at most 4 bytes."));
    assert.equal(
      await loadCounts(source, index, 2 * BLOCK_BYTES),
      "Lines are counted in resources of at most 4 bytes.",
    );
  });

  it("counts lines from the first one on, whatever parameters the address has", async () => {
    source = new Source("http://localhost/a.log?from=mail&x=1");
    const asked: string[] = [];
    mock.method(globalThis, "fetch", async (url: URL) => {
      asked.push(url.search);
      return whole(200, '{"counts": [12]}');
    });
    assert.equal(await loadCounts(source, new LineIndex(), BLOCK_BYTES), undefined);
    assert.deepEqual(asked, ["?from=0&x=1&lines="]);
  });

  it("says that a download broke off", async () => {
    answers(broken(200, "some"));
    await assert.rejects(source.blob(), (error) => error instanceof Refused && /broke off/.test(error.message));
  });
});
