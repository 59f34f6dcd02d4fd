/** One disk of three is full, that of a leader, while others claim paths and append. */
import assert from "node:assert/strict";
import { NO_SMALL_DISK, type SmallDisk, smallDisk } from "../fixture/small-disk.ts";
import { appendsAt } from "../../scripts/chaos/cluster/load.ts";
import { faultSuite } from "./faults.ts";

/** Bytes of the disk. */
const DISK_BYTES = 96 * 1024 * 1024;

let disk: SmallDisk | undefined;

faultSuite(
  "one full disk of three",
  {
    "is that of the leader of one stream and of a follower of another one": async (scene, loads) => {
      const [first, second] = scene.lab.nodes;
      assert.ok(first && second);
      await scene.lab.lead(scene.stream(0), first);
      await scene.lab.lead(scene.stream(1), second);
      disk?.fill(DISK_BYTES);
      for (let time = 0; time < 2; time++) await Promise.all(loads.map((load) => load.goesOn()));
      // New paths are claimed, through both servers.
      for (const [at, url] of scene.urls.entries()) await appendsAt(url, `full/${at}.txt`);
      disk?.free();
      // JetStream is off on that server until it starts again.
      await first.kill();
      first.start();
      await scene.lab.healthy();
    },
  },
  {
    missing: NO_SMALL_DISK,
    terms: async () => {
      disk = await smallDisk(DISK_BYTES);
      return { lab: { firstFolder: disk.folder } };
    },
    undo: () => disk?.remove(),
  },
);
