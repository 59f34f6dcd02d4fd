/**
 * Installs the dependencies of a checkout, once. Plain JavaScript, built-in modules only: nothing else is there yet.
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The checkout, without a trailing slash. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

/**
 * Makes node_modules agree with package-lock.json. Does nothing, in a few milliseconds, when it does already.
 * Everything it prints goes to standard error: standard output belongs to the command that comes next.
 */
export async function ensureInstalled(root = ROOT) {
  if (isInstalled(root)) return;
  const unlock = await lock(root);
  try {
    if (isInstalled(root)) return; // Somebody else has just done it.
    console.error("Installing the dependencies (only this time) ...");
    const { command, args } = npm();
    const options = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
    const { status, error } = spawnSync(command, [...args, ...options], {
      cwd: root,
      stdio: ["ignore", 2, 2],
      shell: process.platform === "win32" && args.length === 0,
    });
    if (error) throw new Error(`npm could not be started: ${error.message}. Install npm, or run "npm ci" yourself.`);
    if (status !== 0) throw new Error(`"npm ci" failed in ${root}; its messages are above.`);
  } finally {
    unlock();
  }
}

/**
 * Whether node_modules holds what package-lock.json asks for, as far as npm's own record of it says.
 * Packages for other platforms may be missing.
 */
export function isInstalled(root) {
  const wanted = packages(join(root, "package-lock.json"));
  const present = packages(join(root, "node_modules", ".package-lock.json"));
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional, devOptional }]) => {
    if (path === "") return true;
    const found = present[path];
    if (!found) return optional === true || devOptional === true;
    return found.version === version && found.integrity === integrity;
  });
}

function packages(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined; // Missing or half-written: the same as not installed.
  }
}

/** The npm that runs us, else the one on the PATH. */
function npm() {
  const running = process.env.npm_execpath;
  if (running?.endsWith("npm-cli.js")) return { command: process.execPath, args: [running] };
  return { command: "npm", args: [] };
}

/**
 * One installation of a checkout at a time: a file that holds its owner's process id, linked into place so that nobody
 * ever sees it half-written. Returns what gives it back.
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
