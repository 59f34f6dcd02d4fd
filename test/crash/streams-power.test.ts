/** A power cut while clients write to streams, at the level `disk`: what was answered holds. */
import assert from "node:assert/strict";
import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CLOSED, JSON_TYPE, StreamServer, TEXT } from "../durable/streams.ts";
import { CrashingDisk, noCrashingDisk } from "../fixture/crashing-disk.ts";

const ARGS = ["--durability", "disk", "--limit", "storeFreeBytes=0"];
const skip = (await noCrashingDisk()) ?? false;

/** Runs before and after a power cut, on servers of the same disk. */
async function overCut(
  before: (server: StreamServer) => Promise<void>,
  behind: (server: StreamServer) => Promise<void>,
): Promise<void> {
  const disks: CrashingDisk[] = [await CrashingDisk.make()];
  const servers: StreamServer[] = [];
  try {
    const [disk] = disks as [CrashingDisk];
    const server = await StreamServer.start({ root: disk.folder, args: ARGS });
    servers.push(server);
    await before(server);
    const next = await disk.cut();
    disks.push(next);
    // A system takes longer to start than a sign of life is valid.
    const signs = join(next.folder, ".httpfstream", "servers");
    for (const name of await readdir(signs)) await utimes(join(signs, name), 0, 0);
    const again = await StreamServer.start({ root: next.folder, args: ARGS, through: next.afterStart });
    servers.push(again);
    await behind(again);
  } finally {
    for (const server of servers) await server.remove();
    for (const disk of disks) await disk.remove();
  }
}

test("answered writes, closings and removals survive a power cut", { skip, timeout: 120_000 }, async () => {
  await overCut(
    async (server) => {
      await server.expect(201, "PUT", "made", TEXT, "body");
      await server.expect(201, "PUT", "empty", TEXT);
      await server.expect(201, "PUT", "a/log", { ...TEXT, "Stream-TTL": "1000" });
      for (let seq = 0; seq < 20; seq++) await server.produce(200, "a/log", ["p", 1, seq], `${seq},`);
      await server.expect(204, "POST", "a/log", { ...TEXT, "Stream-Seq": "m" }, "seq");
      await server.expect(201, "PUT", "closed", JSON_TYPE, "[1]");
      await server.expect(204, "POST", "closed", { ...JSON_TYPE, ...CLOSED }, "[2]");
      await server.expect(201, "PUT", "removed", TEXT, "x");
      await server.expect(204, "DELETE", "removed");
      await server.expect(201, "PUT", "source", TEXT, "common");
      await server.expect(201, "PUT", "fork", { "Stream-Forked-From": "/source" });
      await server.expect(204, "DELETE", "source");
    },
    async (server) => {
      assert.equal((await server.get("made")).text, "body");
      await server.expect(200, "PUT", "empty", TEXT);
      const numbers = Array.from({ length: 20 }, (_, seq) => `${seq},`).join("");
      const log = await server.get("a/log");
      assert.deepEqual([log.text, log.headers.get("stream-ttl")], [`${numbers}seq`, "1000"]);
      await server.produce(204, "a/log", ["p", 1, 19], "19,");
      await server.produce(403, "a/log", ["p", 0, 0], "zombie");
      await server.expect(409, "POST", "a/log", { ...TEXT, "Stream-Seq": "a" }, "x");
      await server.produce(200, "a/log", ["p", 1, 20], "!");
      const closed = await server.get("closed");
      assert.deepEqual([closed.text, closed.headers.get("stream-closed")], ["[1,2]", "true"]);
      await server.expect(404, "GET", "removed");
      await server.expect(410, "GET", "source");
      assert.equal((await server.get("fork")).text, "common");
    },
  );
});
