/** Mounts that are served over HTTP/2: incomplete bodies, checks of the host, and no upgrades. */
import assert from "node:assert/strict";
import type { ClientHttp2Session, OutgoingHttpHeaders } from "node:http2";
import { after, describe, it } from "node:test";
import { Http2Exchange, http2Session, RawUpload } from "../fixture/http2.ts";
import { NAME } from "../fixture/http2-app.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startScript, type TestServer } from "../fixture/servers.ts";

for (const runtime of RUNTIMES) {
  const server = await startScript(runtime, `http2-${runtime}.ts`);
  describe(`HTTP/2 mounted on ${runtime}`, { timeout: 60_000 }, () => {
    after(() => server.stop());
    cases(server);
  });
}

function cases({ url, program }: TestServer): void {
  const sessions: ClientHttp2Session[] = [];
  const session = (): ClientHttp2Session => {
    const fresh = http2Session(url);
    sessions.push(fresh);
    return fresh;
  };
  const shared = session();
  const send = (path: string, headers: OutgoingHttpHeaders = {}): Http2Exchange =>
    new Http2Exchange(shared, { ":path": `/streams/${path}`, ...headers });
  const post = (path: string, headers: OutgoingHttpHeaders = {}): Http2Exchange => {
    const exchange = send(`${path}?verb=APPEND`, { ":method": "POST", ...headers });
    exchange.stream.end("hello");
    return exchange;
  };
  after(() => {
    for (const one of sessions) one.destroy();
  });

  it("appends, follows to the end, reads", async () => {
    const upload = send("whole.txt?verb=APPEND", { ":method": "POST" });
    upload.stream.write("one ");
    const follower = await begun("whole.txt");
    await follower.body.atLeast(4);
    upload.stream.end("two");
    assert.equal((await upload.response()).status, 200);
    assert.deepEqual(await follower.response(), { status: 200, text: "one two" });
    assert.deepEqual(await send("whole.txt").response(), { status: 200, text: "one two" });
    await program.printed(/append of whole\.txt: complete/);
  });

  /** Starts a follow; retries until there is an append to follow. */
  async function begun(path: string): Promise<Http2Exchange> {
    for (;;) {
      const follower = send(`${path}?verb=FOLLOW`);
      if ((await follower.status) === 200) return follower;
      await follower.response();
    }
  }

  for (const [what, headers] of [
    ["of any length", {}],
    ["of a given length", { "content-length": "100" }],
  ] as const) {
    for (const code of [8, 0, 2]) {
      it(`an upload ${what} that is reset with code ${code} is lost, also for its follower`, async () => {
        const path = `reset-${code}-${what.replaceAll(" ", "-")}.txt`;
        const upload = await RawUpload.begin(url, `/streams/${path}?verb=APPEND`, headers);
        await upload.write("half a log");
        const follower = await begun(path);
        await follower.body.atLeast(10);
        await upload.reset(code);
        await assert.rejects(follower.response(), /reset with/);
        await program.printed(new RegExp(`append of ${path}: lost`));
        assert.deepEqual(await send(path).response(), { status: 200, text: "half a log" });
        upload.drop();
      });
    }
  }

  for (const [how, giveUp] of [
    ["ends and resets it in one go, as Node's does", (upload: Http2Exchange) => upload.stream.close(8)],
    ["drops the connection", (_upload: Http2Exchange, own: ClientHttp2Session) => own.destroy()],
  ] as const) {
    it(`an upload is lost if its client ${how}`, async () => {
      const path = `given-up-${how.length}.txt`;
      const own = session();
      const upload = new Http2Exchange(own, { ":path": `/streams/${path}?verb=APPEND`, ":method": "POST" });
      upload.stream.write("half a log");
      const follower = await begun(path);
      await follower.body.atLeast(10);
      giveUp(upload, own);
      await assert.rejects(follower.response(), /reset with/);
      await program.printed(new RegExp(`append of ${path}: lost`));
    });
  }

  it("a write to a stream is lost if its client ends and resets it in one go", async () => {
    const stream = send("stream.txt", { ":method": "PUT", "content-type": "text/plain" });
    stream.stream.end();
    assert.equal((await stream.response()).status, 201);
    const write = send("stream.txt", { ":method": "POST", "content-type": "text/plain" });
    write.stream.write("half a message");
    write.stream.close(8);
    await program.printed(/^POST \/streams\/stream\.txt: lost$/m);
    assert.deepEqual(await send("stream.txt").response(), { status: 200, text: "" });
  });

  it("an append by GET is refused without mention of an upgrade, and the server keeps running", async () => {
    const { status, text } = await send("get.txt?verb=APPEND").response();
    assert.equal(status, 426);
    assert.match(text, /POST or PUT/);
    assert.equal((await post("after.txt").response()).status, 200);
  });

  it("the authority counts as the host: a foreign one is refused, and a page of the same origin may append", async () => {
    assert.equal((await send("after.txt", { ":authority": "evil.example" }).response()).status, 421);
    assert.equal((await post("hosts.txt", { ":authority": "evil.example" }).response()).status, 421);
    assert.equal((await post("hosts.txt", { ":authority": NAME }).response()).status, 200);
    const own = { ":authority": NAME, origin: `http://${NAME}` };
    assert.equal((await post("hosts.txt", own).response()).status, 200);
    const foreign = { ":authority": NAME, origin: "http://evil.example" };
    assert.equal((await post("hosts.txt", foreign).response()).status, 403);
  });
}
