/**
 * The room check: turns the table in rooms.ts into Biome rules on imports and globals, and runs Biome with them.
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Room } from "./room.ts";
import { ROOMS, RUNTIME_NAMES } from "./rooms.ts";

const BIOME = fileURLToPath(new URL("../../node_modules/@biomejs/biome/bin/biome", import.meta.url));

/** The rules whose findings count. Biome also reports suppression comments for other rules, which are ignored here. */
const RULES = /noRestrictedImports|noRestrictedGlobals/;

/**
 * The problems in a source tree, one line each.
 *
 * @param root The folder that contains `src`.
 * @throws {Error} if Biome fails without a finding, as for a file that does not parse.
 */
export function checkRooms(root: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), "rooms-"));
  try {
    writeFileSync(join(folder, "biome.json"), JSON.stringify(configuration()));
    const options = ["--reporter=github", "--max-diagnostics=none", `--config-path=${folder}`];
    const { stdout, stderr, status } = spawnSync(process.execPath, [BIOME, "lint", ...options, "src"], {
      cwd: root,
      encoding: "utf8",
    });
    const found = stdout.split("\n").flatMap((line) => problemIn(root, line));
    // Files that do not parse, or an invalid configuration.
    if (status !== 0 && found.length === 0) throw new Error(`${stdout}\n${stderr}`);
    return [...foldersWithoutRoom(root), ...found];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function configuration(): object {
  return {
    formatter: { enabled: false },
    assist: { enabled: false },
    linter: {
      rules: { preset: "none" },
    },
    overrides: Object.entries(ROOMS).map(([place, room]) => ({
      includes: [`**/${place}${place.endsWith(".ts") ? "" : "/*.ts"}`],
      linter: { rules: { style: { noRestrictedImports: imports(place, room), noRestrictedGlobals: globals(room) } } },
    })),
  };
}

/** Forbids all imports except those that the room allows. */
function imports(place: string, { imports: others = [], packages = [] }: Room): object {
  const folder = place.endsWith(".ts") ? posix.dirname(place) : place;
  const allowed = ["./*", ...others.map((other) => `${relative(folder, other)}/*`), ...packages];
  const group = ["**", "*", ...allowed.map((pattern) => (pattern.startsWith("!") ? pattern.slice(1) : `!${pattern}`))];
  return { level: "error", options: { patterns: [{ group, message: `${place} may not import this.` }] } };
}

function globals({ globals: allowed = [] }: Room): object {
  const denied = RUNTIME_NAMES.filter((name) => !allowed.includes(name));
  return {
    level: "error",
    options: { deniedGlobals: Object.fromEntries(denied.map((name) => [name, "It has no place here."])) },
  };
}

function relative(from: string, to: string): string {
  const path = posix.relative(from, to);
  return path.startsWith(".") ? path : `./${path}`;
}

/** Converts a line of Biome's GitHub report, if it is a finding of one of the rules. */
function problemIn(root: string, line: string): string[] {
  const [, fields = "", message = ""] = /^::error (.*?)::(.*)$/.exec(line) ?? [];
  const { title = "", file = "", line: at } = Object.fromEntries(fields.split(",").map((field) => field.split("=")));
  if (!RULES.test(title)) return [];
  return [`${posix.relative(root, posix.resolve(root, file))}:${at}: ${decodeURIComponent(message)}`];
}

/** Folders that contain sources but are not in the table. */
function foldersWithoutRoom(root: string): string[] {
  const folders = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => posix.relative(root, entry.parentPath));
  const unknown = [...new Set(folders)].filter((folder) => !(folder in ROOMS));
  return unknown.map((folder) => `${folder}: is no room; give it a line in scripts/lib/rooms.ts.`);
}
