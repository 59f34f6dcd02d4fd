/**
 * The parts of the table of rooms.
 * @module
 */

/** What the files of one folder may use; see `rooms.ts`. Files may always import from their own folder. */
export interface Room {
  /** Other folders whose files they may import. Default: none. */
  readonly imports?: readonly string[];
  /** Patterns of the packages that they may import; a pattern with a leading `!` excludes packages. Default: none. */
  readonly packages?: readonly string[];
  /** The runtime globals that they may use. Default: none. */
  readonly globals?: readonly string[];
}

/** The modules of Node, which all runtimes of the server have. */
export const NODE_MODULES: readonly string[] = ["node:*", "node:*/*"];
/** What code may use that runs wherever Node's modules do. */
export const NODE: Required<Omit<Room, "imports">> = { packages: NODE_MODULES, globals: ["process", "Buffer"] };

/** Folders of the file store. */
export function files(...folders: string[]): string[] {
  return folders.map((folder) => `src/stores/file/${folder}`);
}
