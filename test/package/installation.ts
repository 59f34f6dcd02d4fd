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

/** The files that the tarball is made from, and the scripts that make it. */
const INGREDIENTS = [
  ...["mod.ts", "src", "scripts", "package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"],
  ...["README.md", "CHANGELOG.md", "LICENSE"],
];

/** A global installation of the packed package, under its own prefix. */
export interface Installation {
  /** The tarball that was installed. */
  readonly tarball: string;
  /** The folder with the commands. */
  readonly bin: string;
  /** Scripts in this folder can import the package. */
  readonly folder: string;
  /** The installed package. */
  readonly package: string;
  /** Removes the installation. */
  remove(): Promise<void>;
}

/**
 * Runs a command to its end and returns its standard output.
 *
 * @throws {Error} With all its output, if its exit code is not 0.
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

/** Installs packages into a folder of their own. */
export async function installInto(folder: string, ...specs: string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await npm(["install", "--prefix", folder, "--prefer-offline", ...specs], folder);
}

/** Packs a copy of the checkout, so that the checkout's own dist/ does not change while others use it. */
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
