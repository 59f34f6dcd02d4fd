/**
 * The floor plan as rules: which room a file belongs to, and what may be used in it.
 * @module
 */

/** Names that only exist on some runtimes. */
export const RUNTIME_NAMES = ["process", "Buffer", "Deno", "Bun"] as const;

/** A part of the source tree. */
export interface Room {
  readonly name: string;
  /** Which files, by their path from the checkout. The first room that matches has the file. */
  readonly files: RegExp;
  /** The rooms it may import from, itself included where it may. */
  readonly imports: readonly string[];
  /** The packages it may import: a name, or a prefix that ends in `*`. `!` takes names away again. */
  readonly packages: readonly string[];
  /** Which of {@link RUNTIME_NAMES} it may use. */
  readonly globals: readonly string[];
}

const CORE = ["vocabulary", "core"];
const RUNTIMES = ["runtime", "runtime/node", "runtime/deno", "runtime/bun"];
const CLIENT = ["client", "client/choice", "client/node"];
const HONO = ["hono", "hono/*", "!hono/deno", "!hono/bun"];
const NODE_STACK = ["node:*", "ws", "@hono/node-server", "@hono/node-server/*", "@hono/node-ws"];
const NODE_NAMES = ["process", "Buffer"];

/** The rooms of this project. A file outside all of them is an error: it must be given a place first. */
export const ROOMS: readonly Room[] = [
  {
    name: "vocabulary", // The part of the core that the client speaks too.
    files: /^src\/core\/(callback|errors|limits|generation|offset|path|printable|subprotocol|text)\.ts$/,
    imports: ["vocabulary"],
    packages: [],
    globals: [],
  },
  { name: "core", files: /^src\/core\//, imports: CORE, packages: [], globals: [] },
  { name: "stores", files: /^src\/stores\//, imports: [...CORE, "stores"], packages: ["node:*"], globals: NODE_NAMES },
  {
    name: "faces",
    files: /^src\/faces\//,
    imports: [...CORE, "faces"],
    packages: [...HONO, "mime"],
    globals: [],
  },
  {
    name: "runtime/node",
    files: /^src\/runtime\/(node|ws)\b/,
    imports: [...CORE, "faces", "runtime", "runtime/node"],
    packages: [...HONO, ...NODE_STACK],
    globals: NODE_NAMES,
  },
  {
    name: "runtime/deno",
    files: /^src\/runtime\/deno\b/,
    imports: [...CORE, "faces", "runtime", "runtime/deno"],
    packages: [...HONO, "hono/deno"],
    globals: ["Deno"],
  },
  {
    name: "runtime/bun",
    files: /^src\/runtime\/bun\b/,
    imports: [...CORE, "faces", "runtime", "runtime/bun"],
    packages: [...HONO, "hono/bun", "bun"],
    globals: ["Bun", "Buffer"],
  },
  {
    name: "runtime", // What the runtimes share, and what chooses among them.
    files: /^src\/runtime\//,
    imports: [...CORE, "faces", ...RUNTIMES],
    packages: HONO,
    globals: [],
  },
  {
    name: "client/node",
    files: /^src\/client\/socket-ws\.ts$/,
    imports: ["vocabulary", "client"],
    packages: ["ws", "node:*"],
    globals: NODE_NAMES,
  },
  {
    name: "client/choice", // Chooses between the platform's socket and the one above.
    files: /^src\/client\/connect\.ts$/,
    imports: ["vocabulary", "client", "client/node"],
    packages: [],
    globals: ["process"],
  },
  {
    name: "client",
    files: /^src\/client\//,
    imports: ["vocabulary", "client", "client/choice"],
    packages: [],
    globals: [],
  },
  {
    name: "fstream",
    files: /^src\/fstream\.ts$/,
    imports: [...CORE, "stores", "faces", "runtime"],
    packages: HONO,
    globals: [],
  },
  {
    name: "cli",
    files: /^src\/cli\//,
    imports: [...CORE, "stores", "faces", ...RUNTIMES, ...CLIENT, "fstream", "cli"],
    packages: ["*", "!bun"],
    globals: [...RUNTIME_NAMES],
  },
  {
    name: "mod.ts",
    files: /^mod\.ts$/,
    imports: [...CORE, "stores", "faces", ...RUNTIMES, ...CLIENT, "fstream", "cli"],
    packages: ["node:*"],
    globals: [...RUNTIME_NAMES],
  },
];

/** Whether a room may import a package. */
export function allowsPackage(room: Room, name: string): boolean {
  const matches = (pattern: string): boolean =>
    pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
  // The last word counts, so that a list can be widened again.
  const last = room.packages.findLast((pattern) => matches(pattern.replace(/^!/, "")));
  return last !== undefined && !last.startsWith("!");
}
