/** Clients that leave before their response is complete: nothing stays open for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HeldStore } from "../fixture/held-store.ts";
import { SlowServer } from "../fixture/slow-server.ts";
import { until } from "../fixture/until.ts";

function goneTest(what: string, run: (server: SlowServer) => Promise<void>): void {
  // With CORS there is a middleware, and responses take another path through the adapter.
  for (const cors of [false, true]) {
    test(`${what}${cors ? " (behind middleware)" : ""}`, { timeout: 60_000 }, async () => {
      const server = await SlowServer.start({}, { cors });
      try {
        await run(server);
      } finally {
        await server.stop();
      }
    });
  }
}

const SIZE = 3_000_000;

for (const [what, headers] of Object.entries({
  "a download": {},
  "a download that was asked for as a WebSocket": {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": Buffer.alloc(16, 1).toString("base64"),
  },
})) {
  goneTest(`${what}, whose client resets before its response begins`, async (server) => {
    await server.put("a.bin", Buffer.alloc(SIZE));
    let stat = (): void => {};
    server.store.beforeStat = new Promise((resolve) => {
      stat = resolve;
    });
    const requests = await Promise.all(
      Array.from({ length: 20 }, () => server.exchange({ target: "/a.bin", headers })),
    );
    await until("the requests to be there", async () => (await server.exchange({ target: "//" })).head);
    for (const { connection } of requests) connection.reset();
    // The server has noticed the resets when it answers a later request.
    await until("the resets to be there", async () => (await server.exchange({ target: "//" })).head);
    stat();
    await until("the answers to be made", () => server.store.reads >= 20);
    await until("every stream to be closed", () => server.store.openReads === 0, 5_000);
  });

  goneTest(`${what}, whose client resets right after the request`, async (server) => {
    await server.put("a.bin", Buffer.alloc(SIZE));
    for (let wave = 0; wave < 10; wave++) {
      const requests = await Promise.all(
        Array.from({ length: 20 }, () => server.exchange({ target: "/a.bin", headers })),
      );
      for (const { connection } of requests) connection.reset();
    }
    assert.equal((await server.send({ target: "/a.bin", method: "HEAD" })).status, 200);
    await until("every stream to be closed", () => server.store.openReads === 0, 5_000);
  });

  goneTest(`${what}, whose client resets in the middle`, async (server) => {
    await server.put("a.bin", Buffer.alloc(SIZE));
    for (let count = 0; count < 20; count++) {
      const request = await server.exchange({ target: "/a.bin", headers });
      await request.body.atLeast(1);
      request.connection.reset();
    }
    await until("every stream to be closed", () => server.store.openReads === 0, 5_000);
  });
}

goneTest("followers over HTTP that reset right after the request have all left", async (server) => {
  const appender = await server.appender("a.txt");
  await appender.text("something to read");
  for (let wave = 0; wave < 10; wave++) {
    const readers = await Promise.all(Array.from({ length: 20 }, () => server.reader("a.txt")));
    for (const { connection } of readers) connection.reset();
  }
  const follower = await server.follower("a.txt");
  const of = (phase: string): number =>
    server.log.filter((event) => event.type === "follow" && event.phase === phase && event.transport === "http").length;
  await until("all who came to have left", () => of("begin") === of("end"), 5_000);
  await appender.finish();
  assert.equal((await follower.end()).code, 1000);
});

test("a held store counts as open the streams that were read from and not closed", async () => {
  const store = new HeldStore();
  const handle = await store.claim("a");
  await handle.append(Buffer.from("xy"));
  const streams = [0, 1, 2].map(() => store.read("a", 0, 2));
  assert.equal(store.openReads, 0);
  const [read, cancelled] = streams.map((stream) => stream.getReader({ mode: "byob" }));
  await read?.read(new Uint8Array(1));
  await cancelled?.read(new Uint8Array(1));
  assert.equal(store.openReads, 2);
  await read?.read(new Uint8Array(1));
  await cancelled?.cancel();
  assert.equal(store.openReads, 0);
});
