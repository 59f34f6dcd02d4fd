/**
 * The rooms of the source tree: what the files of each folder may import, and which runtime globals they may use.
 * @module
 */
import { files, NODE, NODE_MODULES, type Room } from "./room.ts";
import { STORE_ROOMS } from "./store-rooms.ts";

/** Globals that not every runtime has. */
export const RUNTIME_NAMES = ["process", "Buffer", "Deno", "Bun"] as const;

const APPENDS = ["src/engine", "src/engine/storage", "src/engine/follow", "src/engine/append", "src/engine/sessions"];
const ENGINE = [
  ...[...APPENDS, "src/engine/standing", "src/engine/durable", "src/engine/subscriptions"],
  ...["src/engine/scan", "src/engine/folders"],
];
const SERVICE = [
  ...["src/server/platform", "src/server/timers", "src/server/gate", "src/server/request", "src/server/viewer"],
  "src/server/service",
];
const CLIENT = ["src/support", "src/protocol", "src/client/connection", "src/client/retry"];
const HONO = ["hono", "hono/**", "!hono/deno", "!hono/bun"];
const NODE_SERVER = [...NODE_MODULES, "ws", "@hono/node-server", "@hono/node-server/**", "@hono/node-ws"];
const PROGRAM = {
  packages: [...NODE_MODULES, "commander", "cli-progress", "@logtape/logtape"],
  globals: RUNTIME_NAMES,
};

/** All rooms, each after those that it builds on. A file that may use more than its folder has an entry of its own. */
export const ROOMS: Readonly<Record<string, Room>> = {
  "src/support": { packages: ["ipaddr.js"] },
  "src/protocol": { imports: ["src/support"] },

  "src/engine": { imports: ["src/support", "src/protocol"] },
  "src/engine/storage": { imports: ["src/support", "src/protocol"] },
  "src/engine/follow": { imports: ["src/support", "src/protocol", "src/engine", "src/engine/storage"] },
  "src/engine/append": {
    imports: ["src/support", "src/protocol", "src/engine", "src/engine/storage", "src/engine/follow"],
  },
  "src/engine/sessions": { imports: ["src/support", "src/protocol", ...APPENDS] },
  "src/engine/standing": { imports: ["src/protocol", ...APPENDS] },
  "src/engine/durable": { imports: ["src/support", "src/protocol", ...APPENDS] },
  "src/engine/subscriptions": { imports: ["src/support", "src/protocol", ...APPENDS, "src/engine/durable"] },
  "src/engine/scan": { imports: ["src/support", "src/protocol", "src/engine", "src/engine/storage"] },
  "src/engine/folders": {
    imports: ["src/support", "src/protocol", "src/engine", "src/engine/storage", "src/engine/follow"],
  },

  ...STORE_ROOMS,
  "src/stores": { imports: ["src/support", "src/protocol", "src/engine/storage"] },

  "src/store/suite": { imports: ["src/protocol", "src/engine/storage"] },
  "src/store": { imports: ["src/support", "src/protocol", "src/engine/storage", "src/store/suite"] },

  "src/server/platform": { imports: ["src/protocol", "src/engine", "src/engine/follow"], packages: HONO },
  "src/server/timers": { imports: ["src/protocol", "src/engine", "src/server/platform"] },
  "src/server/gate": { imports: ["src/protocol"], packages: HONO },
  "src/server/request": {
    imports: ["src/protocol", "src/engine/storage", "src/engine/append", "src/engine/sessions"],
    packages: [...HONO, "ipaddr.js"],
  },
  "src/server/viewer": { imports: ["src/protocol", "src/server/gate", "src/viewer"], packages: HONO },
  "src/server/service": { imports: ["src/support", "src/protocol", ...ENGINE, ...SERVICE], packages: HONO },
  "src/server/http": { imports: ["src/protocol", ...ENGINE, ...SERVICE], packages: [...HONO, "mime"] },
  "src/server/views": {
    imports: ["src/protocol", ...ENGINE, ...SERVICE, "src/server/http"],
    packages: HONO,
  },
  "src/server/durable": {
    imports: ["src/support", "src/protocol", ...ENGINE, ...SERVICE, "src/server/http"],
    packages: HONO,
  },
  "src/server/durable/subscriptions": {
    imports: ["src/support", "src/protocol", ...ENGINE, ...SERVICE, "src/server/durable"],
    packages: HONO,
  },
  "src/server/websocket": { imports: ["src/protocol", ...ENGINE, ...SERVICE], packages: HONO },
  "src/server/streams": { imports: ["src/support", "src/protocol", ...ENGINE, ...SERVICE], packages: HONO },
  "src/server": {
    imports: [
      ...["src/protocol", ...ENGINE, ...SERVICE],
      ...["src/server/http", "src/server/durable", "src/server/durable/subscriptions", "src/server/websocket"],
      ...["src/server/streams", "src/server/views"],
    ],
    packages: HONO,
  },

  "src/metrics": {
    imports: ["src/engine/storage", "src/server/service"],
    packages: ["prom-client", "node:perf_hooks"],
  },

  "src/runtime/shared": { imports: ["src/protocol", "src/engine/follow", "src/server/platform"], packages: HONO },
  "src/runtime/node/refuse": {
    imports: ["src/support", "src/protocol", "src/engine", "src/server/request"],
    packages: [...NODE_MODULES, "@hono/node-server"],
    globals: ["Buffer"],
  },
  "src/runtime/node/accept": {
    imports: ["src/support", "src/protocol", "src/engine", "src/server/request", "src/runtime/node/refuse"],
    packages: NODE_MODULES,
  },
  "src/runtime/node": {
    imports: [
      ...["src/support", "src/protocol", ...ENGINE],
      ...["src/server/platform", "src/server/request", "src/runtime/shared"],
      ...["src/runtime/node/refuse", "src/runtime/node/accept"],
    ],
    packages: [...HONO, ...NODE_SERVER],
    globals: ["process", "Buffer"],
  },
  "src/runtime/webhooks": {
    imports: ["src/engine/subscriptions"],
    packages: [...NODE_MODULES, "ipaddr.js"],
    globals: ["Buffer"],
  },
  "src/runtime/bun": {
    imports: ["src/protocol", "src/engine", "src/engine/follow", "src/server/platform", "src/runtime/shared"],
    packages: [...HONO, "hono/bun", "bun"],
    globals: ["Bun", "Buffer"],
  },
  "src/runtime": {
    imports: ["src/protocol", "src/server/platform", "src/runtime/shared", "src/runtime/node", "src/runtime/bun"],
    packages: HONO,
  },
  "src/runtime/deno.ts": {
    imports: ["src/support", "src/protocol", "src/server/platform", "src/runtime/shared"],
    packages: [...HONO, "hono/deno"],
    globals: ["Deno"],
  },

  "src/auth": { imports: ["src/support", "src/protocol", "src/server/gate"], packages: [...HONO, "jose"] },

  "src/client/connection": { imports: ["src/support", "src/protocol"] },
  "src/client/connection/connect.ts": { imports: ["src/protocol"], globals: ["process"] },
  "src/client/connection/socket-ws.ts": {
    imports: ["src/protocol"],
    packages: ["ws", ...NODE_MODULES],
    globals: NODE.globals,
  },
  "src/client/retry": { imports: ["src/protocol", "src/client/connection"] },
  "src/client/durable": { imports: CLIENT },
  "src/client/append": { imports: [...CLIENT, "src/client/durable"] },
  "src/client/follow": { imports: [...CLIENT, "src/client/durable"] },
  "src/client": { imports: [...CLIENT, "src/client/append", "src/client/follow"] },

  // What browsers run. The server imports only what `npm run viewer` makes of it.
  "src/viewer": {},
  "src/viewer/shared": {},
  "src/viewer/worker": {
    imports: ["src/protocol", "src/client/follow", "src/viewer/shared", ...page("bytes")],
    packages: ["marked"],
  },
  "src/viewer/page/ui": {},
  "src/viewer/page/bytes": { imports: ["src/protocol", "src/viewer/shared"] },
  "src/viewer/page/rows": { imports: ["src/viewer/shared", ...page("ui", "bytes")] },
  "src/viewer/page/tools": { imports: ["src/viewer/shared", ...page("ui", "bytes", "rows")] },
  "src/viewer/page/folder": { imports: page("bytes") },
  "src/viewer/page/views": {
    imports: ["src/protocol", "src/viewer/shared", ...page("ui", "bytes", "rows")],
    packages: ["marked"],
  },
  "src/viewer/page": {
    imports: ["src/protocol", "src/viewer/shared", ...page("ui", "bytes", "rows", "tools", "folder", "views")],
  },

  "src/resumable": { imports: ["src/protocol", "src/engine/append", "src/server/streams"] },

  src: {
    imports: [
      ...["src/protocol", "src/engine", "src/engine/storage", "src/stores", "src/stores/file"],
      ...["src/server/gate", "src/server/request", "src/server/streams", "src/server", "src/metrics"],
      ...["src/runtime", "src/runtime/webhooks"],
    ],
    packages: HONO,
  },

  "src/cli/common": { imports: ["src/support", "src/protocol", "src/client/connection", "src/client"], ...PROGRAM },
  "src/cli/access": { imports: ["src/protocol", "src/client/connection", "src/client", "src/cli/common"], ...PROGRAM },
  "src/cli/append": {
    imports: ["src/client/connection", "src/client/append", "src/client", "src/cli/common", "src/cli/access"],
    ...PROGRAM,
  },
  "src/cli/follow": {
    imports: ["src/protocol", "src/client/connection", "src/client", "src/cli/common", "src/cli/access"],
    ...PROGRAM,
  },
  "src/cli/ls": { imports: ["src/support", "src/client", "src/cli/common", "src/cli/access"], ...PROGRAM },
  "src/cli/stat": {
    imports: ["src/support", "src/protocol", "src/client", "src/cli/common", "src/cli/access"],
    ...PROGRAM,
  },
  "src/cli/rm": { imports: ["src/cli/common", "src/cli/access"], ...PROGRAM },
  "src/cli/key": { imports: ["src/auth", "src/cli/common"], ...PROGRAM, packages: [...PROGRAM.packages, "jose"] },
  "src/cli/token": {
    imports: ["src/support", "src/server/gate", "src/auth", "src/cli/common", "src/cli/key"],
    ...PROGRAM,
    packages: [...PROGRAM.packages, "jose"],
  },
  "src/cli/stores": {
    imports: ["src/protocol", "src/engine/storage", "src/stores/jetstream", "src/cli/common"],
    ...PROGRAM,
  },
  "src/cli/copy": {
    imports: [
      ...["src/support", "src/protocol", "src/engine/storage", "src/stores/file", "src/cli/common"],
      "src/cli/stores",
    ],
    ...PROGRAM,
  },
  "src/cli/serve/workers": { imports: [...files("groups"), "src/cli/common"], ...PROGRAM },
  "src/cli/serve": {
    imports: [
      ...["src", "src/support", "src/protocol", "src/engine", "src/stores", "src/stores/file"],
      ...files("folders", "processes", "reserved", "claims"),
      ...["src/server", "src/server/gate", "src/server/request", "src/server/service", "src/metrics"],
      ...["src/runtime/node", "src/auth", "src/cli/common", "src/cli/key", "src/cli/stores", "src/cli/serve/workers"],
    ],
    ...PROGRAM,
    packages: [...PROGRAM.packages, "hono"],
  },
  "src/cli": {
    imports: ["common", "append", "follow", "ls", "stat", "rm", "copy", "key", "token", "serve"].map(
      (folder) => `src/cli/${folder}`,
    ),
    ...PROGRAM,
  },
  "src/cli/bin": { imports: ["src/cli"], ...PROGRAM },
};

function page(...folders: string[]): string[] {
  return folders.map((folder) => `src/viewer/page/${folder}`);
}
