import assert from "node:assert/strict";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { append, follow, openAppend } from "../../src/client/mod.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { Relay } from "./relay.ts";
import { all, refuses } from "./scenarios.ts";

/** Without reconnecting. */
const ONCE = { retryForMs: 0 };

describe("a server that goes away", async () => {
  const root = await temporaryFolder("broken");
  let server: TestServer;

  beforeEach(async () => {
    server = await startStandalone("node", { root });
  });
  afterEach(() => server.kill9());
  after(() => removeFolder(root));

  it("killed: an idle appender and a waiting follower learn it at once", async () => {
    const writer = (await openAppend(`${server.url}/a`, ONCE)).getWriter();
    await writer.write("x");
    const reader = follow(`${server.url}/a`, ONCE).getReader();
    assert.equal((await reader.read()).value?.length, 1);
    await Promise.all([
      refuses("unreachable", () => writer.closed),
      refuses("unreachable", () => reader.read()),
      server.kill9(),
    ]);
  });

  it("killed: append stops waiting for its source, and cancels it", async () => {
    let cancelled: unknown;
    const endless = new ReadableStream<string>({
      start: (controller) => controller.enqueue("x"),
      cancel: (reason) => {
        cancelled = reason;
      },
    });
    const done = append(`${server.url}/b`, endless, ONCE);
    const reader = await firstByte(`${server.url}/b`);
    await Promise.all([
      refuses("unreachable", () => done),
      refuses("unreachable", () => reader.read()),
      server.kill9(),
    ]);
    assert.ok(cancelled instanceof Error);
  });

  it("shut down: both learn that it is restarting", async () => {
    const writer = (await openAppend(`${server.url}/c`, ONCE)).getWriter();
    await writer.write("x");
    const reader = follow(`${server.url}/c`, ONCE).getReader();
    await reader.read();
    await Promise.all([
      refuses("restarting", () => writer.closed),
      refuses("restarting", () => reader.read()),
      server.stop(),
    ]);
  });

  it("behind a connection that breaks: what arrived is delivered before the error", async () => {
    const relay = await Relay.to(server.url);
    const writer = (await openAppend(`${server.url}/d`)).getWriter();
    await writer.write("x");
    const reader = follow(`${relay.url}/d`, ONCE).getReader();
    assert.equal(String(Buffer.from((await reader.read()).value ?? "")), "x");
    await relay.close();
    await refuses("unreachable", () => reader.read());
    await writer.close();
    assert.equal(String(await all(follow(`${server.url}/d`))), "x");
  });
});

/** Retries until the path exists, and returns a reader that has read its first bytes. */
async function firstByte(url: string): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  for (;;) {
    const reader = follow(url, ONCE).getReader();
    const first = await reader.read().catch(() => ({ done: true }));
    if (!first.done) return reader;
  }
}
