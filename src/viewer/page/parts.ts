/**
 * The parts of the page that a log does not need. Each is a script of its own, which the page loads when it needs it.
 * @module
 */
import { showBanner } from "./ui/dom.ts";
import { isKind, type Kind } from "./views/kinds.ts";

/** Loads a part; the second time, it is there. The build makes a script of each module. */
const PARTS = {
  folder: () => import("./folder.ts"),
  document: () => import("./document.ts"),
  data: () => import("./views/data.ts"),
  actions: () => import("./actions.ts"),
  filter: () => import("./tools/filter.ts"),
};

type Parts = { readonly [Name in keyof typeof PARTS]: Awaited<ReturnType<(typeof PARTS)[Name]>> };

/** The name of a part. */
type PartName = keyof Parts;

/** The part that a kind of view needs; undefined for a log. */
export function partFor(kind: Kind): "data" | "document" | undefined {
  if (kind === "json" || kind === "hex") return "data";
  return kind === "log" ? undefined : "document";
}

/** Loads a part. Resolves to undefined if it can't be loaded: a proxy may be in the way, or the server has another version now. */
export async function load<Name extends PartName>(name: Name): Promise<Parts[Name] | undefined> {
  return await (PARTS[name]() as Promise<Parts[Name]>).catch(() => undefined);
}

/** Begins to load the part that a path probably needs, while the server is asked what is there. */
export function loadEarly(path: string, hash: string): void {
  const [, view] = /&as=(\w+)/.exec(hash) ?? [];
  const [, type = "/"] = /\.(md|markdown|json|ndjson|jsonl)$/i.exec(path) ?? [];
  const isFolder = path.endsWith("/");
  const kind = isKind(view) ? view : /^m/i.test(type) ? "markdown" : /^[jn]/i.test(type) ? "json" : "log";
  const part = isFolder ? "folder" : partFor(kind);
  if (part) void load(part);
}

/** Does something with the script of the actions, such as copying. */
export async function act(run: (actions: Parts["actions"]) => Promise<unknown>): Promise<void> {
  const actions = await load("actions");
  if (actions) await run(actions);
  else showMissingPart('"Raw" has the content.');
}

/** Says that a part can't be loaded, and what the page shows in its place. */
export function showMissingPart(instead: string): void {
  showBanner(`The script for this could not be loaded. ${instead}`, {
    label: "Load the page again",
    run: () => location.reload(),
  });
}
