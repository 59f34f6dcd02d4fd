/**
 * The rooms of the stores on files and on NATS JetStream.
 * @module
 */
import { files, NODE, type Room } from "./room.ts";

const NATS = { packages: ["node:buffer", "node:crypto", "@nats-io/jetstream", "@nats-io/transport-node"] };

/** The rooms of both stores, each after those that it builds on. */
export const STORE_ROOMS: Readonly<Record<string, Room>> = {
  "src/stores/file/folders": { imports: ["src/protocol", "src/engine/storage"], ...NODE },
  "src/stores/file/processes": { imports: files("folders"), ...NODE },
  "src/stores/file/reserved": { imports: ["src/protocol", ...files("folders", "processes")], ...NODE },
  "src/stores/file/groups": { imports: files("folders", "processes", "reserved"), ...NODE },
  "src/stores/file/peers": { imports: files("folders", "processes", "reserved"), ...NODE },
  "src/stores/file/files": { imports: ["src/protocol", "src/engine/storage", ...files("folders")], ...NODE },
  "src/stores/file/claims": {
    imports: ["src/protocol", "src/engine/storage", ...files("folders", "processes", "reserved", "groups")],
    ...NODE,
  },
  "src/stores/file/watch": {
    imports: [
      ...["src/protocol", "src/engine/storage"],
      ...files("folders", "processes", "reserved", "groups", "peers", "claims"),
    ],
    ...NODE,
  },
  "src/stores/file/journal": { imports: files("folders", "processes", "reserved", "files", "claims"), ...NODE },
  "src/stores/file/records": {
    imports: ["src/support", "src/protocol", "src/engine/storage", ...files("folders", "reserved", "files", "claims")],
    ...NODE,
  },
  "src/stores/file/streams": {
    imports: ["src/engine/storage", ...files("folders", "reserved", "files", "records")],
    ...NODE,
  },
  "src/stores/file": {
    imports: [
      ...["src/protocol", "src/engine", "src/engine/storage"],
      ...files("folders", "processes", "reserved", "groups", "peers", "files", "claims", "watch", "journal"),
      ...files("records", "streams"),
    ],
    ...NODE,
  },
  "src/stores/jetstream/connection": { imports: ["src/protocol", "src/engine/storage"], ...NATS },
  "src/stores/jetstream/layout": { imports: ["src/protocol", ...nats("connection")], ...NATS },
  "src/stores/jetstream/records": {
    imports: ["src/protocol", "src/engine/storage", ...nats("connection", "layout")],
    ...NATS,
  },
  "src/stores/jetstream/nodes": { imports: nats("connection", "layout"), ...NATS },
  "src/stores/jetstream/kept": {
    imports: ["src/protocol", "src/engine/storage", ...nats("connection", "layout", "nodes")],
    ...NATS,
  },
  "src/stores/jetstream/reads": {
    imports: ["src/protocol", "src/engine/storage", ...nats("connection", "layout", "records", "nodes")],
    ...NATS,
  },
  "src/stores/jetstream/claims": {
    imports: [
      ...["src/support", "src/protocol", "src/engine/storage"],
      ...nats("connection", "layout", "records", "nodes", "kept"),
    ],
    ...NATS,
  },
  "src/stores/jetstream/listing": {
    imports: ["src/engine/storage", ...nats("connection", "layout", "records", "claims")],
    ...NATS,
  },
  "src/stores/jetstream/watch": {
    imports: ["src/protocol", "src/engine/storage", ...nats("connection", "layout", "records", "nodes", "claims")],
    ...NATS,
  },
  "src/stores/jetstream": {
    imports: [
      ...["src/support", "src/protocol", "src/engine/storage"],
      ...nats("connection", "layout", "records", "nodes", "kept", "reads", "claims", "listing", "watch"),
    ],
    ...NATS,
  },
};

function nats(...folders: string[]): string[] {
  return folders.map((folder) => `src/stores/jetstream/${folder}`);
}
