/**
 * appenderOverloadBytes: an appender that sends faster than its bytes are stored is not read from, and where a runtime
 * can't do that, it is closed with 1013 instead of filling the memory.
 */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { randomBytes } from "../fixture/bytes.ts";
import { startLimited, targetAt, WAYS, type Way } from "../fixture/limited.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import type { TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

/** More than is stored before the next message arrives, and than the limit. */
const MESSAGE = randomBytes(1024 * 1024, 7);

/** How many messages the appender sends at once. */
const MESSAGES = 16;

const SENT = Buffer.concat(Array.from({ length: MESSAGES }, () => MESSAGE));

/** Reading from an appender pauses above the first limit, where a runtime can pause. */
const LIMITS = { appenderQueueBytes: 65_536, appenderOverloadBytes: 524_288 };

const overloadedWhere = ({ way, runtime }: { way: Way; runtime: Runtime }): boolean =>
  way === "mounted" && runtime !== "node";

async function start(
  test: TestContext,
  { way, runtime }: { way: Way; runtime: Runtime },
  limits: Record<string, number>,
): Promise<TestServer> {
  const server = await startLimited(way, runtime, { limits });
  test.after(() => server.stop());
  return server;
}

/** Appends more than can be stored at once, over a classic WebSocket. */
async function overload({ url }: TestServer, path: string, messages: number): Promise<WebSocketPeer> {
  const target = targetAt(url, `/${path}?verb=APPEND`);
  const peer = await (await WebSocketPeer.open(url, { target, kind: "binary" })).opened();
  for (let count = 0; count < messages; count++) void peer.binary(MESSAGE);
  return peer;
}

async function stored({ url }: TestServer, path: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(`${url}/${path}`)).arrayBuffer());
}

/** Waits until a path has no appender any more. */
async function released({ url }: TestServer, path: string): Promise<void> {
  await until(`the end of the append to ${path}`, async () => {
    const { status } = await fetch(`${url}/${path}?verb=APPEND`, { method: "POST", body: "" });
    return status === 200;
  });
}

for (const kind of RUNTIMES.flatMap((runtime) => WAYS.map((way) => ({ runtime, way })))) {
  describe(`an appender that is faster than the store, ${kind.way} on ${kind.runtime}`, { timeout: 60_000 }, () => {
    if (overloadedWhere(kind)) {
      it("is closed with 1013 above the limit, and what was taken is stored", async (test) => {
        const server = await start(test, kind, LIMITS);
        const peer = await overload(server, "a.bin", 1);
        const { code, reason } = await peer.closed;
        assert.equal(code, 1013, reason);
        assert.match(reason, /^The bytes arrive faster than they can be stored\./);
        await released(server, "a.bin");
        assert.ok((await stored(server, "a.bin")).equals(MESSAGE));
      });

      it("is cut off although it goes on sending", async (test) => {
        const server = await start(test, kind, LIMITS);
        const { code, reason } = await (await overload(server, "a.bin", MESSAGES)).closed;
        // Deno may reset a connection whose client goes on sending, before the client has read why.
        if (kind.runtime === "deno") assert.ok(code === 1013 || code === 1006, `${code} ${reason}`);
        else assert.equal(code, 1013, reason);
        await released(server, "a.bin");
        const bytes = await stored(server, "a.bin");
        assert.ok(bytes.length < SENT.length, `${bytes.length}`);
        assert.ok(bytes.equals(SENT.subarray(0, bytes.length)));
      });
    }

    const what = overloadedWhere(kind) ? "with the limit raised, all of it is taken" : "is not read from";
    it(`${what}, and all of it is stored`, async (test) => {
      const limits = overloadedWhere(kind) ? { appenderQueueBytes: LIMITS.appenderQueueBytes } : LIMITS;
      const server = await start(test, kind, limits);
      const peer = await overload(server, "a.bin", MESSAGES);
      await until("all bytes", async () => {
        const { headers } = await fetch(`${server.url}/a.bin`, { method: "HEAD" });
        return Number(headers.get("stream-next-offset")) >= SENT.length;
      });
      await peer.finish();
      await released(server, "a.bin");
      assert.ok((await stored(server, "a.bin")).equals(SENT));
    });
  });
}
