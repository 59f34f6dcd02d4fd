/**
 * Programs of Debian packages that tests use when they can have them.
 * @module
 */
import { execFile } from "node:child_process";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Where a program is: the installed one, else one that is unpacked from its Debian package into a folder. It is not
 * installed for that, as an installed web server would be started, too.
 *
 * @param paths Where it may be, from the root of a file system.
 * @returns Nothing when it is neither there nor to be had.
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
    return undefined; // No Debian, no network, no package lists: whoever asked says what is missing.
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
