/**
 * The peer `cat`: not a server, but a baseline for the disk.
 * @module
 */
import { release } from "node:os";
import { nowhere, type Peer } from "./peer.ts";

/** Creates the peer, which can only copy files. */
export function catPeer(): Peer {
  return {
    name: "cat",
    title: "cat, from file to file or to a pipe",
    version: `Linux ${release()}`,
    runtime: "native",
    abilities: ["copy"],
    start: async () => ({ pids: [], append: nowhere, follow: nowhere, read: nowhere, stop: async () => {} }),
  };
}
