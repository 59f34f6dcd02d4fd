/** The options of `fstream()`. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Hono } from "hono";
import type { UpgradeWebSocket } from "hono/ws";
import { fstream, type Log, memoryStore } from "../../mod.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { OFFER } from "../fixture/v1.ts";
import { upgradeHeaders } from "../fixture/websocket.ts";

describe("fstream()", () => {
  it("names in a refusal the option that would admit the client", async () => {
    const app = fstream({ store: memoryStore(), hosts: ["named.example"] });
    const foreign = { method: "PUT", headers: { Origin: "https://elsewhere.example" }, body: "x" };
    assert.match(
      await (await app.request("http://named.example/a?verb=APPEND", foreign)).text(),
      /the option "origins"/,
    );
    const headers = { Host: "rebound.example" };
    assert.match(await (await app.request("http://rebound.example/a", { headers })).text(), /the option "hosts"/);
  });

  it("refuses a store together with options of the file store", () => {
    const store = memoryStore();
    assert.throws(() => fstream({ store, root: "data" }), { name: "TypeError", message: /either "root" or "store"/ });
    assert.throws(() => fstream({ store, durability: "disk" }), {
      name: "TypeError",
      message: /either "durability" or "store"/,
    });
  });

  it("refuses an empty root, which would be the working directory", () => {
    assert.throws(() => fstream({ root: "" }), { name: "TypeError", message: /root folder has no name/ });
  });

  it("refuses unknown options, and lists the known ones", () => {
    assert.throws(() => fstream({ folder: "data" } as never), { name: "TypeError", message: /"folder".*root, durab/ });
  });

  it("logs the end of a follower without an appender, and of one that leaves early", async () => {
    const ends: unknown[] = [];
    const log: Log = (event) => {
      if (event.type === "follow" && event.phase === "end") ends.push([event.bytes, event.offset, event.reason]);
    };
    const app = fstream({ store: memoryStore(), log });
    const body = "x".repeat(1_000_000);
    await app.request("/a.txt?verb=APPEND", { method: "POST", body });
    await (await app.request("/a.txt?verb=FOLLOW&offset=999990")).text();
    await (await app.request("/a.txt")).text();
    const leaving = (await app.request("/a.txt?verb=FOLLOW")).body?.getReader();
    const { length } = (await leaving?.read())?.value ?? [];
    await leaving?.cancel();
    await app.close();
    assert.deepEqual(ends, [
      [10, 1_000_000, "complete"],
      [length, length, "gone"],
    ]);
  });

  it("reads at most limits.readBytes at once", async () => {
    const root = await temporaryFolder("fstream");
    await writeFile(join(root, "a.txt"), "x".repeat(120_000));
    const app = fstream({ root, limits: { readBytes: 50_000 } });
    const { body } = await app.request("/a.txt");
    const sizes: number[] = [];
    for await (const piece of body as ReadableStream<Uint8Array>) sizes.push(piece.length);
    await app.close();
    await removeFolder(root);
    assert.deepEqual(sizes, [50_000, 50_000, 20_000]);
  });

  it("does not reserve a path for an append session whose token was never sent", async () => {
    const upgradeWebSocket = (async () => new Response(null)) as unknown as UpgradeWebSocket<WebSocket>;
    const limits = { upgradeTimeoutMs: 1, graceMs: 600_000 };
    const app = fstream({ store: memoryStore(), upgradeWebSocket, limits });
    const headers = upgradeHeaders(btoa("sixteen bytes it"), OFFER);
    const append = () => app.request("/a.txt?verb=APPEND", { headers });
    const granted = await append();
    assert.equal(granted.status, 200);
    assert.ok(granted.headers.get("X-Request-Id"), "the helper's response takes headers");
    await until("the path to be free", async () => (await append()).status === 200);
    await app.close();
  });

  it("refuses origins and host names that can't match, before it creates a folder", async () => {
    const root = join(await temporaryFolder("fstream"), "never");
    for (const options of [{ origins: ["foo"] }, { origins: ["null"] }, { hosts: ["a:80"] }]) {
      assert.throws(() => fstream({ root, ...options }), {
        name: "TypeError",
        message: /is not an? (origin|host name)/,
      });
    }
    assert.ok(!existsSync(root));
  });

  it("refuses invalid limits and options of the wrong type, and creates no folder first", async () => {
    const root = join(await temporaryFolder("fstream"), "never");
    for (const [options, name, message] of [
      [{ limits: { nope: 1 } }, "RangeError", /There is no limit "nope"/],
      [{ limits: { batchBytes: -1 } }, "RangeError", /limits\.batchBytes/],
      [{ limits: [] }, "TypeError", /"limits".* must be of the type object, not array/],
      [{ origins: "https://a.example" }, "TypeError", /"origins".* array, not string/],
      [{ listings: "false" }, "TypeError", /"listings".* boolean, not string/],
      [{ log: {} }, "TypeError", /"log".* function, not object/],
      [{ signal: null }, "TypeError", /"signal".* object, not null/],
      [{ root: new URL("file:///") }, "TypeError", /"root".* string, not object/],
    ] as const) {
      assert.throws(() => fstream({ root, ...options } as never), { name, message });
    }
    assert.ok(!existsSync(root));
  });

  it("accepts the given host names, addresses and localhost", async () => {
    const app = fstream({ store: memoryStore(), hosts: ["named.example"] });
    for (const [Host, status] of [
      ["named.example:8080", 200],
      ["127.0.0.1", 200],
      ["localhost:1", 200],
      ["other.example", 421],
    ] as const) {
      assert.equal((await app.request("/", { headers: { Host } })).status, status, Host);
    }
    assert.equal((await app.request("/")).status, 200, "none");
    await app.close();
  });

  for (const [mount, url] of Object.entries({
    "/u/:user": "/u/ada/x/a.txt",
    "/:a/streams": "/ada/streams/a.txt",
    "/u/:user{[a-z]+}": "/u/ada/x/a.txt",
    "/u/*/x": "/u/ada/x/a.txt",
    "/:any?": "/ada/streams/a.txt",
    "/u-:user": "/u-ada/a.txt",
    "/u:user{[a-z]+}/x": "/uada/x/a.txt",
    "/a:b/streams": "/ada/streams/a.txt",
  })) {
    it(`explains at the first request that it can't be mounted at ${mount}`, async () => {
      const streams = fstream({ store: memoryStore(), log: () => {} });
      const host = new Hono().route(mount, streams);
      const answer = await host.request(`${url}?verb=APPEND`, { method: "POST", body: "x" });
      assert.equal(answer.status, 500);
      assert.match(await answer.text(), /mounted at ".*", which has a parameter or a wildcard/);
      let thrown: unknown;
      host.onError((error, c) => {
        thrown = error;
        return c.text("handled", 500);
      });
      assert.equal(await (await host.request(url)).text(), "handled");
      assert.match(String(thrown), /mounted at/);
      await streams.close();
    });
  }

  it("works at a fixed path, including one with a colon, an empty segment or a trailing slash", async () => {
    for (const mount of ["/a:b/streams", "/a//b", "/streams/", "/", "/ü/%25/ö x", "/a.b+c(d)"]) {
      const streams = fstream({ store: memoryStore() });
      const host = new Hono().route(mount, streams);
      const url = `${encodeURI(mount.replace(/\/$/, ""))}/x.txt`.replace("%2525", "%25");
      assert.equal((await host.request(`${url}?verb=APPEND`, { method: "POST", body: "x" })).status, 200, mount);
      assert.equal(await (await host.request(url)).text(), "x", mount);
      await streams.close();
    }
  });

  it("follows an append that begins during the lookup of its path", async () => {
    const store = memoryStore();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const target = "http://localhost/a.txt";
    let appended: Response | Promise<Response> | undefined;
    const stat = store.stat.bind(store);
    store.stat = async (path) => {
      if (!appended) {
        const body = { method: "POST", body: readable, duplex: "half" } as RequestInit;
        appended = app.request(new Request(`${target}?verb=APPEND`, body));
        await writer.write(Buffer.from("first "));
        await until("the append", async () => (await stat(path))?.size === 6);
      }
      return await stat(path);
    };
    const app = fstream({ store });
    const response = await app.request(`${target}?verb=FOLLOW`);
    const text = response.text();
    await writer.write(Buffer.from("second"));
    await writer.close();
    assert.deepEqual([await text, (await appended)?.status], ["first second", 200]);
    await app.close();
  });
});
