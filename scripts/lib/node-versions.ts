/**
 * The versions of Node that the server is tested on, besides the one that runs the tests. They are installed from npm
 * packages, of which there is one per operating system and processor.
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "./install.mjs";

/** A version of Node. */
export interface NodeVersion {
  /** The version of the npm package, such as `24.21.0`. */
  readonly version: string;
  /** The name in titles and for `--only`, such as `node24`. */
  readonly name: string;
  /** The test files that run on it. */
  readonly files: readonly string[];
}

/** Test files that run on every version. They cover what differs between versions: the HTTP server. */
const FILES_ON_EVERY_NODE: readonly string[] = [
  "test/fault/gone-early.test.ts",
  "test/fault/pipelined.test.ts",
  "test/runtime/answered-first.test.ts",
  "test/runtime/chunks.test.ts",
  "test/runtime/pipelined.test.ts",
  "test/runtime/wire-mounted-node.test.ts",
  "test/runtime/wire-standalone-node.test.ts",
];

/** The oldest version that `engines` in package.json allows, the current long-term support version, and the newest. */
export const NODE_VERSIONS: readonly NodeVersion[] = [oldest(), "24.21.0", "26.12.1"].map((version) => ({
  version,
  name: `node${version.split(".")[0]}`,
  files: FILES_ON_EVERY_NODE,
}));

/** Where the executables are kept, about 120 MB each. */
const FOLDER = join(ROOT, "node_modules", ".node-versions");

/** Systems and processors for which the npm registry has packages of Node. */
const PACKAGED: ReadonlySet<string> = new Set(["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64", "win-x64"]);

/**
 * The path of the executable of a version, which is installed if it is missing; or the reason why there is none.
 * `isExpected` is true where no package exists for this system.
 */
export function nodeExecutable(version: string): { path: string } | { missing: string; isExpected: boolean } {
  if (process.versions.node === version) return { path: process.execPath };
  const system = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  if (!PACKAGED.has(system)) {
    return { missing: `the npm registry has no Node ${version} for ${system}`, isExpected: true };
  }
  const path = join(FOLDER, version, process.platform === "win32" ? "node.exe" : "node");
  if (existsSync(path)) return { path };
  const output = install(`node-${system}`, version, path);
  if (existsSync(path)) return { path };
  return { missing: `Node ${version} could not be installed:\n${output}`, isExpected: false };
}

/** Installs a package in a temporary folder, keeps only the executable, and returns what npm printed. */
function install(name: string, version: string, path: string): string {
  const folder = join(FOLDER, `${version}.${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
    const { stdout, stderr, error } = spawnSync(
      "npm",
      ["install", "--prefix", folder, ...options, `${name}@${version}`],
      {
        cwd: folder,
        encoding: "utf8",
        shell: process.platform === "win32",
      },
    );
    const program = join(folder, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
    if (existsSync(program)) {
      mkdirSync(join(FOLDER, version), { recursive: true });
      renameSync(program, path);
    }
    return `${error?.message ?? ""}${stdout ?? ""}${stderr ?? ""}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function oldest(): string {
  const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { engines: { node: string } };
  const [, version] = /^>=(\d+\.\d+\.\d+)$/.exec(engines.node) ?? [];
  if (version === undefined)
    throw new Error(`engines.node must say which version is the oldest, not "${engines.node}".`);
  return version;
}
