/** Many clients that begin a large download and read no more of it hold few descriptors and little memory. */
import assert from "node:assert/strict";
import { NO_DESCRIPTORS, openFiles, residentBytes } from "../fixture/descriptors.ts";
import { until } from "../fixture/until.ts";
import { faultTest } from "./standalone.ts";

const MIB = 1024 * 1024;

/** Clients that stall, and how many of them the server lets in. */
const CLIENTS = 200;
const PLACES = 50;

/** What one download may take: two pieces of 1 MiB, and what is not collected yet. */
const BYTES_EACH = 4 * MIB;

faultTest(
  "two hundred stalled downloads of 64 MiB",
  { skip: NO_DESCRIPTORS, limits: { peerConnections: PLACES } },
  async ({ peers, server: { pid }, root }) => {
    await peers.put("a.bin", new Uint8Array(64 * MIB));
    const before = residentBytes(pid);
    const statuses: number[] = [];
    let most = 0;
    for (let index = 0; index < CLIENTS; index++) {
      // Half of them ask for a range.
      const headers: Record<string, string> = index % 2 === 0 ? {} : { Range: "bytes=1-" };
      const read = await peers.exchange({ target: "/a.bin", headers });
      statuses.push((await read.head).status);
      read.connection.socket.pause();
      assert.ok(openFiles(root, pid).length <= PLACES + 2);
      most = Math.max(most, residentBytes(pid) - before);
    }
    assert.equal(statuses.filter((status) => status === 200 || status === 206).length, PLACES);
    assert.equal(statuses.filter((status) => status === 429).length, CLIENTS - PLACES);
    assert.ok(most < PLACES * BYTES_EACH, `the server has grown by ${Math.round(most / MIB)} MiB`);
    // A small request needs no place.
    assert.equal((await peers.send({ target: "/a.bin", headers: { Range: "bytes=0-9" } })).status, 206);
    peers.dispose();
    await until("the files to be closed", async () => openFiles(root, pid).length === 0);
    assert.equal((await peers.stored("a.bin")).length, 64 * MIB);
  },
);
