/** The limits on silence: headers that do not arrive, and HTTP bodies of a known length that stall. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { Connection } from "../fixture/connection.ts";
import { type HttpExchange, type HttpResponse, readHead } from "../fixture/http.ts";
import { samplesOf } from "../fixture/metrics.ts";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";

/** A server with these limits and with metrics. */
async function limited(
  test: TestContext,
  runtime: Runtime,
  limits: Record<string, number>,
  more: readonly string[] = [],
): Promise<{ server: TestServer; peers: Peers; refusals(code: string): Promise<number> }> {
  const args = Object.entries(limits).flatMap(([name, value]) => ["--limit", `${name}=${value}`]);
  const server = await startStandalone(runtime, { args: ["--admin", "127.0.0.1:0", ...args, ...more] });
  const peers = new Peers(server.url);
  test.after(async () => {
    peers.dispose();
    await server.kill9();
  });
  const [, admin] = await server.program.printed(/^probes and metrics at (\S+)\/$/m);
  const refusals = async (code: string): Promise<number> => {
    const samples = samplesOf(await (await fetch(`${admin}/metrics`)).text());
    return samples.get(`httpfstream_refusals_total{code="${code}"}`) ?? 0;
  };
  return { server, peers, refusals };
}

function answerOf(exchange: HttpExchange): Promise<HttpResponse> {
  return exchange.response();
}

for (const runtime of RUNTIMES) {
  describe(`silent clients on ${runtime}`, { timeout: 60_000 }, () => {
    it("get 408 if the headers of their request do not arrive, and are counted", async (test) => {
      const { server, refusals } = await limited(test, runtime, { headersTimeoutMs: 500 });
      const connection = await Connection.open(server.url);
      test.after(() => connection.drop());
      await connection.write("GET /a.txt HTTP/1.1\r\nHost: localhost\r\nX-Slow");
      const { status, headers } = await readHead(connection);
      assert.equal(status, 408);
      const sentence = await connection.read(Number(headers.get("content-length")));
      assert.match(String(sentence), /^The headers of the request did not arrive in time\.\n$/);
      assert.equal(await connection.readSome(), undefined, "the connection has ended");
      await until("the refusal to be counted", async () => (await refusals("idle")) === 1);
    });

    it("keep what has begun, however long that lasts: a body, a follow, a WebSocket", async (test) => {
      const { server, peers } = await limited(test, runtime, { headersTimeoutMs: 500 });
      const upload = await peers.upload("a.txt");
      await upload.chunk("one ");
      const live = await peers.admittedReader("a.txt");
      const follower = await peers.follower("a.txt");
      await Promise.all([live.body.atLeast(4), follower.received.atLeast(4)]);
      // A client that came later is refused: the time of those before it is over, too.
      const connection = await Connection.open(server.url);
      test.after(() => connection.drop());
      await connection.write("GET ");
      assert.equal((await readHead(connection)).status, 408);
      await upload.chunk("two");
      await upload.finish();
      assert.equal((await upload.response()).status, 200);
      assert.equal(String(await live.body.all()), "one two");
      assert.equal((await follower.end()).code, 1000);
      assert.equal(String(follower.received.bytes()), "one two");
    });

    it("get 408 if a body stalls whose length they have announced, and what arrived stays", async (test) => {
      const { peers, refusals } = await limited(test, runtime, { bodyIdleMs: 500 });
      const live = await peers.upload("live.txt");
      await live.chunk("still ");
      const stalled = await peers.exchange({
        method: "PUT",
        target: "/a.txt?verb=APPEND",
        headers: { "Content-Length": "1000" },
      });
      await stalled.connection.write("half");
      const { status, headers, text } = await stalled.response();
      assert.equal(status, 408, text);
      assert.equal(headers.get("stream-error"), "idle");
      assert.equal(headers.get("stream-next-offset"), "0000000000000004");
      assert.match(text, /Nothing arrived for 0\.5 s/);
      assert.equal(String(await peers.stored("a.txt")), "half");
      assert.equal(await refusals("idle"), 1);
      // Without a length, as from `tail -f | curl -T -`, silence is no fault.
      await live.chunk("here");
      await live.finish();
      assert.equal((await live.response()).status, 200);
      assert.equal(String(await peers.stored("live.txt")), "still here");
    });

    for (const [what, headers] of [
      ["a short length", { "Content-Length": "100" }],
      ["a length", { "Content-Length": "100000" }],
      ["no length", { "Transfer-Encoding": "chunked" }],
    ] as const) {
      it(`get 408 if a body stalls that is stored whole, and nothing is stored: with ${what}`, async (test) => {
        const { peers, refusals } = await limited(test, runtime, { bodyIdleMs: 500, connections: 2 });
        assert.equal(
          (await peers.exchange({ method: "PUT", target: "/old.txt", body: "" }).then(answerOf)).status,
          201,
        );
        for (const [method, path] of [
          ["PUT", "new.txt"],
          ["POST", "old.txt"],
          ["PUT", "new.txt"],
        ] as const) {
          const stalled = await peers.exchange({ method, target: `/${path}`, headers });
          await ("Transfer-Encoding" in headers ? stalled.chunk("half") : stalled.connection.write("half"));
          const { status, headers: answered, text } = await stalled.response();
          assert.equal(status, 408, text);
          assert.equal(answered.get("stream-error"), "idle");
          assert.match(text, /0\.5 s \(bodyIdleMs\)\. Nothing was stored/);
        }
        assert.equal(await refusals("idle"), 3);
        assert.equal((await peers.exchange({ target: "/new.txt" }).then(answerOf)).status, 404);
        assert.equal(String(await peers.stored("old.txt")), "");
      });
    }

    it("get 408 if a short body that needs no slot trickles, whereas one with a slot may be slow", async (test) => {
      const { peers } = await limited(test, runtime, { bodyIdleMs: 1_000 });
      const short = await peers.exchange({
        method: "PUT",
        target: "/short.txt",
        headers: { "Content-Length": "60000" },
      });
      const slow = await peers.exchange({
        method: "PUT",
        target: "/slow.txt",
        headers: { "Transfer-Encoding": "chunked", "Content-Type": "text/plain" },
      });
      let isRefused = false;
      const refused = short.response().finally(() => {
        isRefused = true;
      });
      let sent = 0;
      await until("the short body to be refused", async () => {
        if (isRefused) return true;
        short.connection.write("x").catch(() => {});
        await slow.chunk("x");
        sent++;
        return false;
      });
      const { status, text } = await refused;
      assert.equal(status, 408, text);
      assert.match(text, /^The body did not end within 1 s \(bodyIdleMs\)/);
      await slow.finish();
      assert.equal((await slow.response()).status, 201);
      assert.equal(String(await peers.stored("slow.txt")), "x".repeat(sent));
    });

    it("get 408 if the body of a request for a subscription stalls", async (test) => {
      const { peers } = await limited(test, runtime, { bodyIdleMs: 500 }, ["--webhooks"]);
      const stalled = await peers.exchange({
        method: "PUT",
        target: "/__ds/subscriptions/s",
        headers: { "Content-Type": "application/json", "Content-Length": "100" },
      });
      await stalled.connection.write("{");
      const { status, text } = await stalled.response();
      assert.equal(status, 408, text);
    });
  });
}
