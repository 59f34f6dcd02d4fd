/** One disk of three is full. */
import { fullDisk } from "../../scripts/chaos/cluster/faults.ts";
import { NO_SMALL_DISK, type SmallDisk, smallDisk } from "../fixture/small-disk.ts";
import { faultSuite } from "./faults.ts";

/** Bytes of the disk. */
const DISK_BYTES = 96 * 1024 * 1024;

let disk: SmallDisk | undefined;

const first = { fill: (bytes: number) => disk?.fill(bytes), free: () => disk?.free() };

faultSuite(
  "one full disk of three",
  { "is that of the leader of one stream and of a follower of another one": fullDisk(first, DISK_BYTES) },
  {
    missing: NO_SMALL_DISK,
    terms: async () => {
      disk = await smallDisk(DISK_BYTES);
      return { lab: { firstFolder: disk.folder } };
    },
    undo: () => disk?.remove(),
  },
);
