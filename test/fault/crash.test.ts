/** The server is killed during an append: the file has every byte that a follower got, and the next append works. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "../fixture/bytes.ts";
import type { Peers } from "../fixture/peers.ts";
import type { WebSocketPeer } from "../fixture/websocket.ts";
import { faultTest } from "./standalone.ts";

/** Appends as fast as possible until the connection breaks. */
async function flood(appender: WebSocketPeer, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length && !appender.connection.socket.destroyed; at += 7_777) {
    await appender.binary(bytes.subarray(at, at + 7_777));
  }
}

faultTest("repeated kill -9 during an append", {}, async ({ root, restart, ...first }) => {
  let { server, peers }: { server: typeof first.server; peers: Peers } = first;
  const file = join(root, "dir/a.bin");
  let stored = Buffer.alloc(0);
  for (let round = 0; round < 3; round++) {
    const sent = randomBytes(30_000_000, round);
    const appender = await peers.appender("dir/a.bin");
    const follower = await peers.follower("dir/a.bin");
    const reader = await peers.reader("dir/a.bin");
    const flooding = flood(appender, sent);
    await follower.received.atLeast(stored.length + 1_000_000 * (round + 1));
    await server.kill9();
    await flooding;

    const now = readFileSync(file);
    assert.ok(now.subarray(0, stored.length).equals(stored), "what was there before is still there");
    const added = now.subarray(stored.length);
    assert.ok(added.equals(sent.subarray(0, added.length)), "what was added is what was sent, without a gap");
    for (const seen of [await follower.received.remains(), await reader.body.remains()]) {
      assert.ok(seen.length <= now.length, `${seen.length} bytes were seen, ${now.length} are stored`);
      assert.ok(seen.equals(now.subarray(0, seen.length)), "what was seen is stored");
    }
    stored = now;
    ({ server, peers } = await restart());
  }
  await peers.put("dir/a.bin", "the end");
  assert.ok(readFileSync(file).equals(Buffer.concat([stored, Buffer.from("the end")])));
});
