import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { append, follow, openAppend } from "../../src/client/mod.ts";
import { ALL_BYTES, MIXED_TEXT, randomBytes, sha256 } from "../fixture/bytes.ts";
import { executable, Program, RUNTIMES, scriptArguments } from "../fixture/processes.ts";
import { until } from "../fixture/until.ts";
import { OriginalServer } from "./original-server.ts";
import { all, refuses } from "./scenarios.ts";

describe("the client with a server like the original", () => {
  let server: OriginalServer;

  before(async () => {
    server = await OriginalServer.start();
  });
  after(() => server.close());

  it("appends any bytes in frames that the server does not drop", async () => {
    const bytes = Buffer.concat([ALL_BYTES, Buffer.from(MIXED_TEXT), randomBytes(300_000, 3)]);
    assert.deepEqual(await append(`${server.url}/a`, bytes), { bytes: bytes.length, offset: undefined });
    await until("all to be stored", () => server.stored("/a").length === bytes.length);
    assert.ok(server.stored("/a").equals(bytes));
    assert.ok((await all(follow(`${server.url}/a`))).equals(bytes));
  });

  for (const runtime of RUNTIMES) {
    it(`follows a path of more than 100 MiB, which comes as one message, on ${runtime}`, async () => {
      const path = `/large-${runtime}`;
      const large = Buffer.alloc(101 * 1024 * 1024, randomBytes(1_000_003, 4));
      server.keep(path, large);
      const writer = (await openAppend(`${server.url}${path}`)).getWriter();
      const script = scriptArguments(runtime, "test/client/follow-digest.ts");
      const program = new Program(await executable(runtime), [...script, `${server.url}${path}`]);
      await program.printed(/first bytes/);
      await writer.write("live");
      await writer.close();
      const [, size, digest, largest] = await program.printed(/(\d+) ([0-9a-f]{64}) (\d+)/);
      assert.equal(Number(size), large.length + 4);
      assert.equal(digest, sha256(Buffer.concat([large, Buffer.from("live")])));
      // Bun's own implementation buffers each message.
      if (runtime !== "bun") assert.ok(Number(largest) <= 1024 * 1024, `a piece has ${largest} bytes`);
      assert.equal((await program.exited).code, 0);
    });
  }

  it("follows to the end", async () => {
    const writer = (await openAppend(`${server.url}/b`)).getWriter();
    await writer.write(ALL_BYTES);
    await until("it to be stored", () => server.stored("/b").length === 256);
    const following = all(follow(`${server.url}/b`));
    await until("the follower to be there", () => server.requests.some((line) => line.includes("/b?verb=FOLLOW")));
    await writer.write("live");
    await writer.close();
    assert.deepEqual(await following, Buffer.concat([ALL_BYTES, Buffer.from("live")]));
  });

  it("maps its refusals", async () => {
    const writer = (await openAppend(`${server.url}/c`)).getWriter();
    await refuses("conflict", () => append(`${server.url}/c`, "second"));
    await writer.close();
    await refuses("not_found", () => all(follow(`${server.url}/never`)));
  });

  it("starts at an offset without help of the server, and refuses where that is impossible", async () => {
    const url = `${server.url}/d`;
    const writer = (await openAppend(url)).getWriter();
    await writer.write("0123456789");
    await until("it to be stored", () => server.stored("/d").length === 10);
    const reader = follow(url, { offset: 7 }).getReader();
    assert.equal(String(Buffer.from((await reader.read()).value ?? "")), "789");
    await refuses("protocol", () => all(follow(url, { tail: 3 })));
    await refuses("protocol", () => all(follow(url, { offset: "now" })));
    await writer.close();
    assert.equal((await reader.read()).done, true);
    assert.equal(String(await all(follow(url, { offset: 8 }))), "89");
    assert.equal(String(await all(follow(url, { tail: 3 }))), "789");
    assert.equal(String(await all(follow(url, { offset: "now" }))), "");
    await refuses("range", () => all(follow(url, { offset: 11 })));
  });

  it("sends signs of life while nothing is appended", async (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const before = server.pongs;
    const writer = (await openAppend(`${server.url}/e`)).getWriter();
    t.mock.timers.tick(25_000);
    await until("an unsolicited pong", () => server.pongs > before);
    await writer.close();
  });
});
