/** Hono's middleware in front of the streams, and other routes beside them, on each runtime's own server. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { HttpExchange, request } from "../fixture/http.ts";
import { CREDENTIALS, MOUNTS } from "../fixture/mounts.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { expectCleanStop, startMounted, type TestServer } from "../fixture/servers.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

const BASIC = `Basic ${Buffer.from(`${CREDENTIALS.username}:${CREDENTIALS.password}`).toString("base64")}`;
const BEARER = `Bearer ${CREDENTIALS.token}`;
const FRIEND = "https://friend.example";
const ENEMY = "https://enemy.example";

for (const runtime of RUNTIMES) {
  const server = await startMounted(runtime);
  describe(`middleware on ${runtime}`, { concurrency: 4, timeout: 60_000 }, () => {
    after(() => expectCleanStop(server));
    cases(runtime, server);
  });
}

function cases(runtime: Runtime, { url, program }: TestServer): void {
  const upgrade = (target: string, headers: Record<string, string> = {}): Promise<WebSocketPeer> =>
    WebSocketPeer.open(url, { target, headers, kind: "binary" });

  /** Appends, follows and reads through a mount. */
  async function expectWorking(mount: string, headers: Record<string, string> = {}): Promise<void> {
    const target = `${mount}/working-${runtime}.txt`;
    const appender = await (await upgrade(`${target}?verb=APPEND`, headers)).opened();
    const follower = await (await upgrade(`${target}?verb=FOLLOW`, headers)).opened();
    await appender.send("hello");
    await follower.received.atLeast(5);
    const read = await request(url, { target, headers });
    assert.deepEqual([read.status, read.text], [200, "hello"]);
    await appender.finish();
    assert.equal((await follower.end()).code, 1000);
  }

  it("appends, follows and reads with the WebSocket helper that the app passes", () => expectWorking(MOUNTS.helper));

  it("appends, follows and reads behind logger, which logs them", async () => {
    await expectWorking(MOUNTS.logged);
    await program.printed(/<-- GET \/logged\/streams\/working-\w+\.txt\?verb=APPEND/);
    await program.printed(/--> GET \/logged\/streams\/working-\w+\.txt 200/);
  });

  it("appends, follows and reads behind cors, whose headers are on reads", async () => {
    await expectWorking(MOUNTS.cors);
    const target = `${MOUNTS.cors}/a.txt`;
    await request(url, { method: "POST", target: `${target}?verb=APPEND`, body: "hello" });
    const read = await request(url, { target, headers: { Origin: ENEMY } });
    assert.deepEqual([read.text, read.headers.get("access-control-allow-origin")], ["hello", "*"]);
    const full = await (await upgrade(`${target}?verb=FOLLOW`)).response();
    assert.deepEqual([full.text, full.headers.get("access-control-allow-origin")], ["hello", "*"]);
    const headers = { Origin: ENEMY, "Access-Control-Request-Method": "GET" };
    assert.equal((await request(url, { method: "OPTIONS", target, headers })).status, 204);
  });

  it("follows live over HTTP behind etag and compress, which buffer other responses", async () => {
    const target = `${MOUNTS.squeezed}/live-${runtime}.txt`;
    const appender = await (await upgrade(`${target}?verb=APPEND`)).opened();
    const headers = { "Accept-Encoding": "gzip" };
    const follower = await HttpExchange.start(url, { target: `${target}?verb=FOLLOW`, headers });
    for (const [at, piece] of ["one ", "two ", "three"].entries()) {
      await appender.send(piece);
      await follower.body.atLeast([4, 8, 13][at] as number);
    }
    await appender.finish();
    assert.equal(String(await follower.body.all()), "one two three");
    const read = await request(url, { target });
    assert.deepEqual([read.status, read.text], [200, "one two three"]);
  });

  for (const [name, mount, right, wrong] of [
    ["basicAuth", MOUNTS.basic, BASIC, "Basic bm9ib2R5OndyaXRl"],
    ["bearerAuth", MOUNTS.bearer, BEARER, "Bearer guess"],
    ["logger, cors and basicAuth", MOUNTS.all, BASIC, "Basic bm9ib2R5OndyaXRl"],
  ] as const) {
    it(`a refused upgrade gets a complete 401 with headers and body behind ${name}`, async () => {
      for (const verb of ["APPEND", "FOLLOW"]) {
        for (const headers of [{}, { Authorization: wrong }] as Record<string, string>[]) {
          const refusal = await (await upgrade(`${mount}/refused.txt?verb=${verb}`, headers)).response();
          assert.equal(refusal.status, 401);
          assert.match(refusal.headers.get("www-authenticate") ?? "", /^(Basic|Bearer) /);
          assert.match(refusal.text, /unauthorized/i);
        }
      }
      const headers = { Authorization: right };
      assert.equal((await request(url, { target: `${mount}/refused.txt`, headers })).status, 404);
    });

    it(`plain requests are refused too behind ${name}`, async () => {
      const target = `${mount}/refused.txt?verb=APPEND`;
      assert.equal((await request(url, { method: "PUT", target, body: "x" })).status, 401);
      assert.equal((await request(url, { target: `${mount}/refused.txt` })).status, 401);
    });

    it(`a client with the credentials appends, follows and reads behind ${name}`, () =>
      expectWorking(mount, { Authorization: right }));
  }

  it("no spelling of a path bypasses a guard in front of one folder of a mount", async () => {
    const secret = "private/secret.txt";
    const headers = { Authorization: BASIC };
    const target = `${MOUNTS.plain}/${secret}`;
    const put = await request(url, { method: "POST", target: `${target}?verb=APPEND`, headers, body: "secret" });
    assert.equal(put.status, 200, put.text);
    const spellings = ["", "x/../", "./", "x/%2e%2e/", "%2e/", "/", "x\\..\\", "x%2f..%2f", "../streams/"];
    for (const spelling of [
      ...spellings.map((prefix) => prefix + secret),
      "%70rivate/secret.txt",
      "private%2fsecret.txt",
    ]) {
      const around = `${MOUNTS.plain}/${spelling}`;
      const write = await request(url, { method: "POST", target: `${around}?verb=APPEND`, body: "!" });
      assert.ok(write.status < 500, `${spelling}: ${write.status}`);
      const read = await request(url, { target: around });
      const follow = await (await upgrade(`${around}?verb=FOLLOW`)).response();
      for (const { status, text } of [read, follow]) {
        assert.ok(status < 500, `${spelling}: ${status}`);
        assert.doesNotMatch(text, /^secret/, spelling);
      }
    }
    assert.equal((await request(url, { target, headers })).text, "secret");
  });

  it("the app's other routes are untouched", async () => {
    assert.equal((await request(url, { target: "/" })).text, "the host app");
    assert.equal((await request(url, { target: "/streams-and-more" })).text, "a neighbour");
    assert.equal((await request(url, { target: "/nowhere" })).text, "the host app does not have that");
  });

  it("an upgrade request to a route without a WebSocket gets that route's complete response", async () => {
    const there = await (await upgrade("/")).response();
    assert.deepEqual([there.status, there.text], [200, "the host app"]);
    const nowhere = await (await upgrade("/nowhere")).response();
    assert.deepEqual([nowhere.status, nowhere.text], [404, "the host app does not have that"]);
  });

  it("another WebSocket route of the app works beside the streams", async () => {
    const peer = await (await WebSocketPeer.open(url, { target: "/echo" })).opened();
    await peer.send("hello");
    assert.equal(String(await peer.received.atLeast(10)), "echo hello");
    await peer.finish();
  });

  it("two mounts are two sets of streams, at any depth", async () => {
    await expectWorking(MOUNTS.deep);
    await request(url, { method: "POST", target: `${MOUNTS.plain}/mine.txt?verb=APPEND`, body: "plain" });
    await request(url, { method: "POST", target: `${MOUNTS.deep}/mine.txt?verb=APPEND`, body: "deep" });
    assert.equal((await request(url, { target: `${MOUNTS.plain}/mine.txt` })).text, "plain");
    assert.equal((await request(url, { target: `${MOUNTS.deep}/mine.txt` })).text, "deep");
  });

  it("disabled listings are 404", async () => {
    await request(url, { method: "POST", target: `${MOUNTS.unlisted}/folder/a.txt?verb=APPEND`, body: "x" });
    for (const path of ["/", "", "/folder/", "/folder"]) {
      assert.equal((await request(url, { target: MOUNTS.unlisted + path })).status, 404, path);
    }
    assert.equal((await request(url, { target: `${MOUNTS.unlisted}/folder/a.txt` })).status, 200);
  });

  it("the operator's list of origins may upgrade, append and read across origins; others may not", async () => {
    const target = `${MOUNTS.unlisted}/origins.txt`;
    const asFriend = { Origin: FRIEND };
    const appender = await (await upgrade(`${target}?verb=APPEND`, asFriend)).opened();
    await (await upgrade(`${target}?verb=FOLLOW`, asFriend)).opened();
    const refused = await upgrade(`${target}?verb=FOLLOW`, { Origin: ENEMY });
    assert.equal((await refused.response()).status, 403);
    await appender.finish();
    const friendly = await request(url, { target, headers: asFriend });
    assert.equal(friendly.headers.get("access-control-allow-origin"), FRIEND);
    const foreign = await request(url, { target, headers: { Origin: ENEMY } });
    assert.equal(foreign.headers.get("access-control-allow-origin"), null);
    for (const Origin of ["tauri://localhost", "https://one.friends.example:8443"]) {
      const post = await request(url, {
        method: "POST",
        target: `${target}?verb=APPEND`,
        headers: { Origin },
        body: "x",
      });
      assert.equal(post.status, 200, Origin);
      const read = await request(url, { target, headers: { Origin } });
      assert.equal(read.headers.get("access-control-allow-origin"), Origin);
      assert.match(read.headers.get("vary") ?? "", /\bOrigin\b/);
      assert.equal(read.headers.get("cross-origin-resource-policy"), "cross-origin");
    }
    for (const Origin of [
      "https://a.b.friends.example:8443",
      "https://one.friends.example",
      "https://friends.example:8443",
    ]) {
      const post = await request(url, {
        method: "POST",
        target: `${target}?verb=APPEND`,
        headers: { Origin },
        body: "x",
      });
      assert.equal(post.status, 403, Origin);
      const read = await request(url, { target, headers: { Origin } });
      assert.equal(read.headers.get("access-control-allow-origin"), null);
    }
  });
}
