/** The store is full: `max_bytes` of its streams is reached. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Scene } from "../../scripts/chaos/cluster/scene.ts";
import { append, StreamError } from "../../src/client/mod.ts";
import { request } from "../fixture/http.ts";
import { sceneSuite } from "./faults.ts";

/** Bytes of the store, and of what fills most of it. */
const STORE_BYTES = 12 * 1024 * 1024;
const BALLAST_BYTES = 5 * 1024 * 1024;

sceneSuite(
  "a store that is full",
  (scene) => {
    test("refuses appends and says why, keeps what it has acknowledged, and goes on when there is room", async () => {
      const { urls } = scene();
      await append(`${urls[0]}/ballast.bin`, Buffer.alloc(BALLAST_BYTES, "b"));
      const loads = await scene().begin("full");
      // More and more, until nothing fits any more.
      const refusal = await fill(urls[1] ?? "");
      assert.match(refusal.message, / is full\. /, refusal.stack);
      for (const load of loads) {
        const error = await load.failed();
        assert.match(String(error), / is full\. /);
        const { headers } = await request(urls[0] ?? "", { method: "HEAD", target: `/${load.path}` });
        const size = Number(headers.get("content-length"));
        assert.ok(size >= load.acked && size <= load.written, `${size}, ${load.acked} acknowledged of ${load.written}`);
        // How an append has ended is a record, too. Without room for it, followers hear what they hear after a crash.
        const problems = await load.compare(size, "failed");
        assert.deepEqual(
          problems.filter((problem) => !problem.includes('ended as "lost", not as "failed"')),
          [],
        );
      }
      // What is only read needs no room.
      assert.deepEqual(await listed(urls[1] ?? "", "/"), ["ballast.bin", "fill", "full"]);
      assert.ok((await listed(urls[0] ?? "", "/fill/")).includes("0.bin"));
      // A removal is a record, too.
      const refused = await request(urls[1] ?? "", { method: "DELETE", target: "/ballast.bin" });
      assert.equal(refused.status, 507, refused.text);
      await enlarge(scene());
      const removed = await request(urls[1] ?? "", { method: "DELETE", target: "/ballast.bin" });
      assert.equal(removed.status, 204, removed.text);
      for (const url of urls) await append(`${url}/after.txt`, "there is room\n");
      const { text } = await request(urls[0] ?? "", { target: "/after.txt" });
      assert.equal(text, "there is room\n".repeat(2));
    });
  },
  { terms: () => ({ limits: { storeFreeBytes: 0 }, store: { shards: 1, maxBytes: STORE_BYTES } }) },
);

/** The names in a folder. */
async function listed(url: string, target: string): Promise<string[]> {
  const { status, text } = await request(url, { target, headers: { Accept: "application/json" } });
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { entries: { name: string }[] }).entries.map(({ name }) => name);
}

/** Gives the store more room, as an operator would. */
async function enlarge({ lab }: Scene): Promise<void> {
  const connection = await connect({ servers: [...lab.storeOptions().servers], timeout: 5_000 });
  try {
    const manager = await jetstreamManager(connection);
    await manager.streams.update("HFS_0", { max_bytes: 2 * STORE_BYTES });
  } finally {
    await connection.close();
  }
}

/** Appends to one path after the other until that is refused, and returns the refusal. */
async function fill(url: string): Promise<StreamError> {
  for (let at = 0; ; at++) {
    try {
      await append(`${url}/fill/${at}.bin`, Buffer.alloc(512 * 1024, "f"), { retryForMs: 0 });
    } catch (error) {
      if (error instanceof StreamError) return error;
      throw error;
    }
  }
}
