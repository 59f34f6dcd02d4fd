/**
 * The permissions of a token, or of everyone.
 * @module
 */
import { ACTIONS, type Action } from "../server/gate/gate.ts";
import { Glob, segmentsOf } from "../support/glob.ts";

/**
 * For each action, the patterns of the paths that it is allowed for. An action that is missing is not allowed; no action
 * implies another. In a pattern with a leading slash, `*` stands for any run of characters within a segment, and a segment
 * `**` for any number of segments.
 *
 * @example
 * ```ts
 * const grants: Grants = { append: ["/build/42.log"], read: ["/build/**"], list: ["/build"] };
 * ```
 */
export type Grants = Readonly<Partial<Record<Action, readonly string[]>>>;

/** Checked {@link Grants}. */
export class Rights {
  readonly #globs: Readonly<Partial<Record<Action, readonly Glob[]>>>;

  /**
   * @param grants Grants of any origin. Unknown actions, which a newer version may know, are ignored.
   * @throws {TypeError} if they are not {@link Grants}.
   */
  constructor(grants: unknown) {
    if (typeof grants !== "object" || grants === null || Array.isArray(grants)) {
      throw new TypeError("The permissions must be an object with a list of paths for each action.");
    }
    const entries = new Map<string, unknown>(Object.entries(grants));
    this.#globs = Object.fromEntries(ACTIONS.map((action) => [action, globsOf(action, entries.get(action))]));
  }

  /** Whether an action is allowed on a resource path. */
  allows(action: Action, path: string): boolean {
    const segments = segmentsOf(path);
    return this.#globs[action]?.some((glob) => glob.matches(segments)) ?? false;
  }

  /** Whether a listing may show an entry: a path that may be read, or a folder in which something may be read. */
  shows(path: string, isFolder: boolean): boolean {
    const segments = segmentsOf(path);
    const { read = [] } = this.#globs;
    return read.some((glob) => (isFolder ? glob.reachesInto(segments) : glob.matches(segments)));
  }
}

function globsOf(action: Action, patterns: unknown): Glob[] {
  if (patterns === undefined) return [];
  if (Array.isArray(patterns) && patterns.every((pattern) => typeof pattern === "string")) {
    return patterns.map((pattern) => new Glob(pattern));
  }
  throw new TypeError(`The permission "${action}" must be a list of paths.`);
}

/**
 * Parses permissions as users write them: `read=/public/**`, `read,list=/x/**`; several are separated by white space.
 *
 * @returns `previous` with the permissions added.
 * @throws {TypeError} for an unknown action, or a pattern that is not one.
 * @example
 * ```ts
 * addGrants("read,list=/public/**"); // { read: ["/public/**"], list: ["/public/**"] }
 * ```
 */
export function addGrants(text: string, previous: Grants = {}): Grants {
  let grants = previous;
  // A path may contain white space, so only white space in front of another permission separates.
  for (const part of text.trim().split(/\s+(?=[a-z,]+=\/)/)) {
    const [, names, pattern] = /^([^=/]+)=(.*)$/s.exec(part) ?? [];
    if (names === undefined || pattern === undefined) {
      throw new TypeError("It must be ACTION=PATH, such as read=/public/** or read,list=/public/**.");
    }
    new Glob(pattern);
    for (const name of names.split(",")) {
      const action = ACTIONS.find((known) => known === name);
      if (!action) throw new TypeError(`${JSON.stringify(name)} is not an action; there are ${ACTIONS.join(", ")}.`);
      grants = { ...grants, [action]: [...(grants[action] ?? []), pattern] };
    }
  }
  return grants;
}
