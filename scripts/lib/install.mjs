/**
 * Installs the dependencies of a checkout, once. Plain JavaScript with built-in modules only, as nothing else is
 * installed yet.
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The folder of the checkout, without a trailing slash. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

/** What runs the sources on Node. It is a development dependency, as the package is built without it. */
const RUNNER = "tsx";

/** What only a store on NATS needs. npm does not install optional peers by itself. */
const NATS = ["@nats-io/transport-node", "@nats-io/jetstream"];

/**
 * Installs what package-lock.json lists. If it is there already, the check takes a few milliseconds.
 * Prints to standard error only: standard output belongs to the command that runs next.
 *
 * @param scope `program`: what the server and the commands need, about 20 MB. `nats`: also what a store on NATS needs.
 * `all`: also what tests and tools need.
 * @throws {Error} if npm can't be started or fails.
 */
export async function ensureInstalled(scope = "all", root = ROOT) {
  if (isInstalled(scope, root)) return;
  const unlock = await lock(root);
  try {
    if (isInstalled(scope, root)) return; // Another process has installed them meanwhile.
    console.error(`Installing the dependencies${scope === "all" ? " of tests and tools" : ""} (only this time) ...`);
    const { command, args } = npm();
    const options = [...installation(scope, root), "--no-audit", "--no-fund", "--loglevel=error"];
    const { status, error } = spawnSync(command, [...args, ...options], {
      cwd: root,
      stdio: ["ignore", 2, 2],
      shell: process.platform === "win32" && args.length === 0,
    });
    if (error) throw new Error(`npm could not be started: ${error.message}. Install npm, or run "npm ci" yourself.`);
    if (status !== 0) throw new Error(`"npm ${options[0]}" failed in ${root}; its messages are above.`);
  } finally {
    unlock();
  }
}

/** The npm command that installs; it does not change package-lock.json. */
function installation(scope, root) {
  // Options given together: npm takes the runner for a dependency of the program, and saves that nowhere.
  if (scope !== "all") {
    const known = packages(join(root, "package-lock.json"));
    const added = [RUNNER, ...(scope === "nats" ? NATS : [])];
    const named = added.map((name) => `${name}@${known[placeOf(name)].version}`);
    return ["install", "--no-save", "--save-prod", "--omit=dev", ...named];
  }
  // `npm ci` removes node_modules first, also under a server that runs from it.
  return isInstalled("program", root) ? ["install", "--no-save", "--include=dev"] : ["ci", "--include=dev"];
}

/**
 * Whether node_modules holds what package-lock.json lists, according to the record that npm keeps in node_modules.
 * Optional packages, such as those for other platforms, may be missing.
 */
export function isInstalled(scope = "all", root = ROOT) {
  const wanted = packages(join(root, "package-lock.json"));
  const present = packages(join(root, "node_modules", ".package-lock.json"));
  if (!wanted || !present) return false;
  const needed = new Set([placeOf(RUNNER), ...(scope === "nats" ? placesFor(NATS, wanted) : [])]);
  return Object.entries(wanted).every(([path, { version, integrity, optional, devOptional, dev }]) => {
    if (path === "" || (scope !== "all" && dev && !needed.has(path))) return true;
    const found = present[path];
    if (!found) return optional === true || devOptional === true;
    return found.version === version && found.integrity === integrity;
  });
}

function placeOf(name) {
  return `node_modules/${name}`;
}

/** The places of packages, and of all that they depend on. */
function placesFor(names, known, found = new Set()) {
  for (const name of names) {
    if (found.has(placeOf(name))) continue;
    found.add(placeOf(name));
    placesFor(Object.keys(known[placeOf(name)]?.dependencies ?? {}), known, found);
  }
  return found;
}

function packages(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined; // Missing or half-written, so treated as not installed.
  }
}

/** The npm that runs this process, or else the one on the PATH. */
function npm() {
  const running = process.env.npm_execpath;
  if (running?.endsWith("npm-cli.js")) return { command: process.execPath, args: [running] };
  return { command: "npm", args: [] };
}

/**
 * Takes the lock that allows one installation per checkout at a time: a file with its owner's process id, hard-linked
 * into place so that no process reads it half-written. Resolves with a function that releases the lock.
 */
async function lock(root) {
  const name = createHash("sha256").update(root).digest("hex").slice(0, 16);
  const file = join(tmpdir(), `httpfstream-install-${name}.pid`);
  const own = `${file}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    while (!tryLink(own, file)) {
      if (isAlive(file)) await new Promise((resolve) => setTimeout(resolve, 200));
      else rmSync(file, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
  return () => rmSync(file, { force: true });
}

function tryLink(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function isAlive(file) {
  try {
    process.kill(Number(readFileSync(file, "utf8")), 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
