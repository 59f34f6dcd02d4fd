/** The claim that a stream's writer keeps between requests: no reader takes it for an append, and each request is one. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileStore, type LogEvent, memoryStore, type StreamEvent } from "../../src/index.ts";
import { keyOf, reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { withMembers } from "../fixture/durable-rig.ts";
import { NOT_LOCAL } from "../fixture/local.ts";
import type { TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { expectStatus, openBody, rig, send } from "./app.ts";
import { CLOSED, JSON_TYPE, producer, StreamServer, sendTo, TEXT } from "./streams.ts";

const MAX_KEPT = 500;

describe("each request of a stream", () => {
  it("is an append in the events, with its own id", async () => {
    const events: StreamEvent[] = [];
    const streams = rig({ onEvent: (event) => void events.push(event) });
    const id = (name: string): Record<string, string> => ({ ...TEXT, "X-Request-Id": name });
    await expectStatus(201, streams, "PUT", "a", id("put"), "one");
    await expectStatus(204, streams, "POST", "a", id("post"), "two");
    await expectStatus(200, streams, "PUT", "a", id("again"), "one");
    await expectStatus(409, streams, "POST", "a", { ...JSON_TYPE, "X-Request-Id": "other" }, "3");
    await expectStatus(200, streams, "POST", "a", { ...id("last"), ...producer(["p", 0, 0]), ...CLOSED }, "!");
    await streams.shutdown();
    const told = events.map((event) => {
      if (event.type === "began") return `${event.requestId} began ${event.offset}`;
      if (event.type === "ended") return `${event.requestId} ended ${event.offset} ${event.reason}`;
      return event.type === "refused" ? `${event.requestId} refused ${event.error.code}` : event.type;
    });
    const [began, ended] = ["began", "ended"];
    assert.deepEqual(told, [
      ...[`put ${began} 0`, `put ${ended} 3 complete`, `post ${began} 3`, `post ${ended} 6 complete`],
      ...["other refused mismatch", `last ${began} 6`, `last ${ended} 7 complete`],
    ]);
    const generations = events.flatMap((event) => ("generation" in event ? [event.generation] : []));
    assert.equal(new Set(generations).size, 1);
  });

  it("is an append in the log, with its bytes", async () => {
    const log: LogEvent[] = [];
    const streams = rig({ log: (event) => void log.push(event) });
    await expectStatus(201, streams, "PUT", "a", JSON_TYPE);
    await expectStatus(204, streams, "POST", "a", JSON_TYPE, "[1, 2]");
    const appends = log.flatMap((event) => (event.type === "append" ? [{ ...event, durationMs: 0 }] : []));
    const lines = appends.map(({ phase, offset }) => `${phase} ${offset}`);
    assert.deepEqual(lines, ["begin 0", "end 0", "begin 0", "end 4"]);
    const requests = log.flatMap((event) => (event.type === "request" ? [[event.status, event.bytes]] : []));
    assert.deepEqual(requests, [
      [201, 0],
      [204, 4],
    ]);
  });

  it("does not look at the store while the claim is kept", async () => {
    const store = memoryStore();
    const looks: string[] = [];
    const stat: typeof store.stat = (path) => {
      looks.push(`stat ${path}`);
      return store.stat(path);
    };
    const find: NonNullable<typeof store.streams>["find"] = async (path) => {
      looks.push(`find ${path}`);
      return store.streams?.find(path);
    };
    assert.ok(store.streams);
    const streams = rig({ store: withMembers(store, { stat, streams: withMembers(store.streams, { find }) }) });
    await expectStatus(201, streams, "PUT", "a", TEXT);
    looks.length = 0;
    await expectStatus(204, streams, "POST", "a", TEXT, "x");
    assert.deepEqual(looks, []);
    await expectStatus(404, streams, "POST", "b", TEXT, "x");
    assert.deepEqual(looks, ["find b", "stat b"]);
  });

  it("finds out that the file was removed or replaced since", async (t) => {
    const root = await temporaryFolder("kept");
    t.after(() => removeFolder(root));
    const streams = rig({ store: fileStore({ root }) });
    await expectStatus(201, streams, "PUT", "a", TEXT, "one");
    await expectStatus(201, streams, "PUT", "b", JSON_TYPE, "[1]");
    rmSync(join(root, "a"));
    await expectStatus(404, streams, "POST", "a", TEXT, "two");
    writeFileSync(join(root, "other"), "by hand\n");
    renameSync(join(root, "other"), join(root, "b"));
    await expectStatus(204, streams, "POST", "b", TEXT, "three");
    assert.equal(readFileSync(join(root, "b"), "utf8"), "by hand\nthree");
    await streams.shutdown();
  });

  it("counts for the limits of appends, while it is stored or waits; a kept claim does not", async () => {
    const streams = rig({ limits: { appends: 2 } });
    for (const path of ["a", "b", "c", "d"]) {
      await expectStatus(201, streams, "PUT", path, TEXT);
      await expectStatus(204, streams, "POST", path, TEXT, "x");
    }
    const { body, end } = openBody("raw");
    const raw = send(streams, "POST", "a?verb=APPEND", TEXT, body);
    await until("the raw append", async () => (await streams.stat("a"))?.size === 4);
    const waiting = send(streams, "POST", "a", TEXT, "y");
    await until("the POST to be counted", async () => (await send(streams, "POST", "b", TEXT, "y")).status === 503);
    end();
    assert.deepEqual([(await raw).status, (await waiting).status], [200, 204]);
    await expectStatus(204, streams, "POST", "b", TEXT, "z");
  });

  it("counts for the limit of its address", { timeout: 60_000 }, async () => {
    const server = await StreamServer.start({ args: ["--limit", "peerAppends=1"] });
    try {
      for (const path of ["a", "b"]) await server.expect(201, "PUT", path, TEXT, "x");
      const { body, end } = openBody("raw");
      const init = { method: "POST", body, duplex: "half" };
      const raw = fetch(`${server.url}/a?verb=APPEND`, init as RequestInit);
      await until("the raw append", async () => (await server.send("HEAD", "a")).headers.get("content-length") === "4");
      const refused = await server.expect(429, "POST", "b", TEXT, "y");
      assert.equal(refused.headers.get("stream-error"), "too_many");
      end();
      assert.equal((await raw).status, 200);
      await server.expect(204, "POST", "b", TEXT, "y");
    } finally {
      await server.remove();
    }
  });
});

describe("a kept claim", () => {
  it("is no append for readers of another process", { timeout: 60_000 }, async () => {
    const server = await StreamServer.start();
    const other = await server.another();
    try {
      await server.expect(201, "PUT", "f/a", TEXT, "x");
      await server.expect(204, "POST", "f/a", TEXT, "y");
      const look = async (): Promise<unknown[]> => {
        const seen: unknown[] = [];
        for (const url of [server.url, other.url]) {
          const { headers } = await sendTo(url, "GET", "f/a");
          const { text } = await sendTo(url, "GET", "f/", { Accept: "application/json" });
          const [entry] = (JSON.parse(text) as { entries: { appending: boolean }[] }).entries;
          seen.push(headers.get("stream-appending"), entry?.appending);
        }
        return seen;
      };
      assert.deepEqual(await look(), ["?0", false, "?0", false]);
      const { body, end } = openBody("raw");
      const raw = fetch(`${server.url}/f/a?verb=APPEND`, { method: "POST", body, duplex: "half" } as RequestInit);
      await until(
        "the raw append",
        async () => (await server.send("HEAD", "f/a")).headers.get("content-length") === "5",
      );
      assert.deepEqual(await look(), ["?1", true, "?1", true]);
      end();
      assert.equal((await raw).status, 200);
    } finally {
      await other.kill9();
      await server.remove();
    }
  });

  it("by the lease of the root is no append for a process that opens the root, and is handed over to it", {
    timeout: 60_000,
    skip: NOT_LOCAL,
  }, async () => {
    const server = await StreamServer.start();
    let other: TestServer | undefined;
    try {
      await server.expect(201, "PUT", "f/a", TEXT, "x");
      other = await server.another();
      const { url } = other;
      const root = realpathSync(server.root);
      const lease = join(reservedIn(root).leases, "held");
      const slot = `+${keyOf("f/a")}k`;
      const isKept = (): boolean => existsSync(lease) && readFileSync(lease, "latin1").includes(slot);
      const seen = await until("looks while the lease has the kept claim", async () => {
        await server.expect(204, "POST", "f/a", TEXT, ".");
        const wasKept = isKept();
        const { headers } = await sendTo(url, "GET", "f/a");
        const { text } = await sendTo(url, "GET", "f/", { Accept: "application/json" });
        const [entry] = (JSON.parse(text) as { entries: { appending: boolean }[] }).entries;
        return wasKept && isKept() && [headers.get("stream-appending"), entry?.appending];
      });
      assert.deepEqual(seen, ["?0", false]);
      const before = server.stored("f/a");
      const post = await sendTo(url, "POST", "f/a", TEXT, "!");
      assert.equal(post.status, 204, post.text);
      await server.expect(204, "POST", "f/a", TEXT, "?");
      assert.equal(server.stored("f/a"), `${before}!?`);
    } finally {
      await other?.kill9();
      await server.remove();
    }
  });

  it("is given up if there are too many: each has open files", async () => {
    const store = memoryStore();
    const streams = rig({ store });
    const paths = Array.from({ length: MAX_KEPT + 100 }, (_, at) => `p${at}`);
    for (const path of paths) await expectStatus(201, streams, "PUT", path, TEXT, "x");
    const kept = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const path of paths) if ((await store.stat(path))?.appending) found.push(path);
      return found;
    };
    await until("the oldest to be given up", async () => (await kept()).length <= MAX_KEPT);
    assert.equal((await store.stat("p0"))?.appending, false);
    await expectStatus(204, streams, "POST", "p0", TEXT, "y");
    assert.equal((await streams.stat("p0"))?.appending, false);
  });
});
