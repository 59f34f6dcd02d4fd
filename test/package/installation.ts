/**
 * The package as its users get it: built and packed from the checkout, installed by npm.
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/install.mjs";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** What the tarball is made of, and what makes it. */
const INGREDIENTS = [
  ...["mod.ts", "src", "scripts", "package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"],
  ...["README.md", "CHANGELOG.md", "LICENSE"],
];

/** A global installation of the packed package, under a prefix of its own. */
export interface Installation {
  /** The tarball that was installed. */
  readonly tarball: string;
  /** The folder with the commands. */
  readonly bin: string;
  /** Scripts in this folder can import the package. */
  readonly folder: string;
  /** The installed package. */
  readonly package: string;
  /** Removes all of it. */
  remove(): Promise<void>;
}

/**
 * Runs a command to its end and gives its standard output.
 *
 * @throws {Error} with all its output, when its exit code is not 0.
 */
export async function command(file: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, { cwd, env: { ...process.env, NO_COLOR: "1" } });
  return stdout;
}

/** Builds, packs and installs the package as `npm pack` and `npm install --global` do. */
export async function installPackage(): Promise<Installation> {
  const home = await temporaryFolder("package");
  try {
    const tarball = await pack(join(home, "checkout"));
    const prefix = join(home, "prefix");
    await npm(["install", "--global", "--prefix", prefix, "--prefer-offline", tarball], home);
    const folder = join(prefix, "lib");
    const installed = join(folder, "node_modules", "httpfstream");
    return { tarball, bin: join(prefix, "bin"), folder, package: installed, remove: () => removeFolder(home) };
  } catch (error) {
    await removeFolder(home);
    throw error;
  }
}

/** Installs another package into a folder of its own. */
export async function installTool(spec: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await npm(["install", "--prefix", folder, "--prefer-offline", spec], folder);
}

/** Packs a copy of the checkout, so that its own dist/ stays what it is, whoever uses it meanwhile. */
async function pack(folder: string): Promise<string> {
  await mkdir(folder);
  for (const name of INGREDIENTS) {
    if (existsSync(join(ROOT, name))) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  }
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await npm(["pack"], folder);
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error(`"npm pack" made no tarball in ${folder}`);
  return join(folder, tarball);
}

function npm(args: readonly string[], cwd: string): Promise<string> {
  return command("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], cwd);
}
