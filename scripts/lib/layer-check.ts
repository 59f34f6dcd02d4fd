/**
 * The layer check: does the source tree keep to the floor plan in layer-rules.ts?
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";
import { allowsPackage, ROOMS, type Room, RUNTIME_NAMES } from "./layer-rules.ts";
import { type Mention, type ModuleFacts, moduleFacts } from "./module-facts.ts";

/** The outcome: how much was looked at, and one sentence for everything wrong. */
export interface LayerReport {
  readonly files: number;
  readonly imports: number;
  readonly problems: readonly string[];
}

/** Checks `mod.ts` and `src/` of a checkout. */
export function checkLayers(root: string): LayerReport {
  const facts = new Map<string, ModuleFacts>();
  for (const file of sourceFiles(root)) {
    facts.set(file, moduleFacts(file, readFileSync(join(root, file), "utf8"), RUNTIME_NAMES));
  }
  const problems = [...facts].flatMap(([file, its]) => fileProblems(file, its));
  const graph = new Map([...facts].map(([file, its]) => [file, localImports(file, its)]));
  problems.push(...cycles(graph).map((cycle) => `${cycle[0]}: imports itself in a circle: ${cycle.join(" -> ")}`));
  const imports = [...facts.values()].reduce((sum, its) => sum + its.imports.length, 0);
  return { files: facts.size, imports, problems };
}

function sourceFiles(root: string): string[] {
  const found = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"));
  return ["mod.ts", ...found.sort()];
}

function fileProblems(file: string, facts: ModuleFacts): string[] {
  const room = roomOf(file);
  if (!room) return [`${file}: belongs to no room; give it a place in scripts/lib/layer-rules.ts`];
  const unwelcome = facts.globals.filter(({ name }) => !room.globals.includes(name));
  return [
    ...facts.imports.flatMap((mention) => importProblem(file, room, mention) ?? []),
    ...unwelcome.map(({ name, line }) => `${file}:${line}: "${name}" has no place in ${room.name}`),
  ];
}

function importProblem(file: string, room: Room, { name, line }: Mention): string | undefined {
  const at = `${file}:${line}`;
  if (name === "") return `${at}: imports a computed name, which nobody can check`;
  if (!name.startsWith(".")) {
    return allowsPackage(room, name) ? undefined : `${at}: "${name}" has no place in ${room.name}`;
  }
  const target = resolveImport(file, name);
  const other = roomOf(target);
  if (!other) return `${at}: imports ${target}, which belongs to no room`;
  if (room.imports.includes(other.name)) return undefined;
  return `${at}: ${room.name} must not import ${other.name} (${target})`;
}

function roomOf(file: string): Room | undefined {
  return ROOMS.find((room) => room.files.test(file));
}

function resolveImport(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier);
}

function localImports(file: string, facts: ModuleFacts): string[] {
  return facts.imports.filter(({ name }) => name.startsWith(".")).map(({ name }) => resolveImport(file, name));
}

/** Every circle once, from where the walk first met it. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const walk = (file: string): void => {
    const at = trail.indexOf(file);
    if (at >= 0) found.push([...trail.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    trail.push(file);
    for (const next of graph.get(file) ?? []) walk(next);
    trail.pop();
    done.add(file);
  };
  for (const file of graph.keys()) walk(file);
  return found;
}
