/** The limit `storeFreeBytes`: no append begins on a disk that is nearly full. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startLimited, targetAt, WAYS } from "../fixture/limited.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop } from "../fixture/servers.ts";
import { NO_SMALL_DISK, type SmallDisk, smallDisk } from "../fixture/small-disk.ts";
import { until } from "../fixture/until.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

const MIB = 1024 * 1024;

for (const [runtime, way] of RUNTIMES.flatMap((each) => WAYS.map((way) => [each, way] as const))) {
  describe(`storeFreeBytes, ${way} on ${runtime}`, { skip: NO_SMALL_DISK }, () => {
    let disk: SmallDisk;

    before(async () => {
      disk = await smallDisk(8 * MIB);
    });
    after(() => disk.remove());

    it("refuses appends with 507 before anything is created, until there is room again", async () => {
      const server = await startLimited(way, runtime, { root: disk.folder, limits: { storeFreeBytes: 4 * MIB } });
      const append = (path: string): Promise<Response> =>
        fetch(`${server.url}/${path}?verb=APPEND`, { method: "POST", body: "x" });
      const open = await V1Peer.open(server.url, { target: targetAt(server.url, "/open.txt?verb=APPEND") });
      await open.control("start");
      disk.fill(5 * MIB);
      const refused = await until("a refusal", async () => {
        const answer = await append("new/a.txt");
        return answer.status === 507 && answer;
      });
      assert.equal(refused.headers.get("Stream-Error"), "no_space");
      assert.equal(refused.headers.get("Retry-After"), "30");
      assert.match(await refused.text(), /new\/a\.txt".*storeFreeBytes/);
      const socket = await WebSocketPeer.open(server.url, {
        target: targetAt(server.url, "/other/a.txt?verb=APPEND"),
        headers: OFFER,
      });
      assert.equal((await socket.head).status, 507);
      assert.equal((await fetch(`${server.url}/other/`)).status, 404);
      await open.send("an open append goes on");
      await open.finish();
      assert.equal(await (await fetch(`${server.url}/open.txt`)).text(), "an open append goes on");
      disk.free();
      await until("an append", async () => (await append("new/a.txt")).status === 200);
      await expectCleanStop(server);
    });
  });
}
