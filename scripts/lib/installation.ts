/**
 * The package as its users get it: built and packed from the checkout, installed by npm.
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { ROOT } from "./install.mjs";

/** The files that the tarball is made from, and the scripts that make it. */
const INGREDIENTS = [
  ...["mod.ts", "src", "scripts", "package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"],
  ...["README.md", "CHANGELOG.md", "LICENSE"],
];

/** The places of a global installation of the packed package, under its own prefix. */
interface Places {
  /** The tarball that was installed. */
  readonly tarball: string;
  /** The folder with the commands. */
  readonly bin: string;
  /** Scripts in this folder can import the package. */
  readonly folder: string;
  /** The installed package. */
  readonly package: string;
}

/** A global installation of the packed package. */
export interface Installation extends Places {
  /** Removes the installation, unless other tests use it, too. */
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

/**
 * Builds, packs and installs the package as `npm pack` and `npm install --global` do. Under `npm test`, returns the
 * installation that {@link offerInstallation} has made. Other tests use it, too: do not change the package in it.
 */
export async function installPackage(): Promise<Installation> {
  const offered = process.env["HTTPFSTREAM_INSTALLED"];
  if (offered !== undefined) return { ...(JSON.parse(offered) as Places), remove: async () => {} };
  const home = await newHome();
  return { ...(await installIn(home)), remove: () => rm(home, { recursive: true, force: true }) };
}

/**
 * Installs the package once for all test files, and passes its places on in the environment variable
 * HTTPFSTREAM_INSTALLED. Removes it when this process exits.
 *
 * @throws {Error} With the output of npm, if it fails.
 */
export async function offerInstallation(): Promise<void> {
  const home = await newHome();
  process.once("exit", () => rmSync(home, { recursive: true, force: true }));
  process.env["HTTPFSTREAM_INSTALLED"] = JSON.stringify(await installIn(home));
}

async function newHome(): Promise<string> {
  return await mkdtemp(join(tmpdir(), "httpfstream-package-"));
}

async function installIn(home: string): Promise<Places> {
  try {
    const tarball = await pack(join(home, "checkout"));
    const prefix = join(home, "prefix");
    await npm(["install", "--global", "--prefix", prefix, "--prefer-offline", tarball], home);
    const folder = join(prefix, "lib");
    return { tarball, bin: join(prefix, "bin"), folder, package: join(folder, "node_modules", "httpfstream") };
  } catch (error) {
    await rm(home, { recursive: true, force: true });
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
