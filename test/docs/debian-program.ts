/**
 * Programs from Debian packages that tests use if they are available.
 * @module
 */
import { execFile } from "node:child_process";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Finds a program: the installed one, or else one that it unpacks from its Debian package into a folder. It does not
 * install the package, since Debian would also start an installed web server.
 *
 * @param paths Possible locations of the program, relative to the root of a file system.
 * @returns The path of the program, or undefined if it is neither installed nor can be downloaded.
 */
export async function debianProgram(
  name: string,
  paths: readonly string[],
  folder: string,
): Promise<string | undefined> {
  const installed = await firstOf(paths.map((path) => join("/", path)));
  if (installed !== undefined) return installed;
  try {
    await run("apt-get", ["download", name], { cwd: folder });
    const [archive] = (await readdir(folder)).filter((file) => file.startsWith(`${name}_`) && file.endsWith(".deb"));
    await run("dpkg", ["--extract", archive ?? "", folder], { cwd: folder });
  } catch {
    return undefined; // No Debian, no network or no package lists: the caller reports what is missing.
  }
  return firstOf(paths.map((path) => join(folder, path)));
}

async function firstOf(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    const there = await access(file).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  return undefined;
}
