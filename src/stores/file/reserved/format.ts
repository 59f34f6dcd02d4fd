/**
 * Keeps versions from before the lease of the root out: they would claim paths behind its back.
 *
 * They had their entries in the folder `claims`. Now entries are in another folder, and a link that states the format
 * stands in the place of that one. An earlier version can make no entry behind a link, so it claims nothing more; when
 * it starts, it refuses the root.
 * @module
 */
import {
  existsSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { StreamError } from "../../../protocol/errors.ts";
import { errorCode, isMissing } from "../folders/errors.ts";
import { makeFolderSync } from "../folders/folder.ts";
import { removeFileNow } from "./atomic-write.ts";
import { assertOwnFolders, fileKey, keyOf, type Reserved } from "./layout.ts";

/** The target of the link. Nothing is there. */
const FORMAT = "format-2";

/** Where earlier versions had their entries. */
const FORMER = "claims";

/** Attempts while other processes change the same folder. */
const ATTEMPTS = 50;

/** Error codes of a file system that has no links, and of Windows without the right to make them. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL"]);

/** The part of Deno's permissions that is used here. */
interface DenoPermissions {
  readonly permissions: { querySync(descriptor: { name: "read" | "write" }): { state: string } };
}

/** Whether earlier versions are kept out of the root. One check of the disk. */
export function isClosedToEarlier(reserved: Reserved): boolean {
  const found = lstatSync(former(reserved), { throwIfNoEntry: false });
  return found !== undefined && !found.isDirectory();
}

/**
 * Keeps earlier versions out of the root, and moves the entries that they have to where this version expects them.
 * They keep what they have: to this version, they are processes like any other.
 *
 * @throws {StreamError} `storage` for a root of a later format; errors of the operating system.
 */
export function closeToEarlier(reserved: Reserved): void {
  const place = former(reserved);
  for (let attempt = 1; ; attempt++) {
    const found = lstatSync(place, { throwIfNoEntry: false });
    if (found?.isSymbolicLink()) assertFormat(reserved);
    if (found && !found.isDirectory()) return;
    try {
      if (found) moveEntries(place, reserved);
      makeFolderSync(dirname(place));
      stand(place);
      return;
    } catch (error) {
      // An earlier version has just made an entry or removed one, or another process does the same as this one.
      const isRace = isMissing(error) || ["EEXIST", "ENOTEMPTY", "ENOTDIR"].includes(errorCode(error));
      if (!isRace || attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * Checks that this version can use the store's own folder. The folder need not exist yet.
 *
 * @throws {StreamError} `storage` for a format that only later versions know, and for a symbolic link.
 */
export function assertUsable(reserved: Reserved): void {
  assertOwnFolders(reserved);
  assertFormat(reserved);
}

function assertFormat(reserved: Reserved): void {
  const place = former(reserved);
  const target = linkAt(place);
  // A program that copies a root may make the target absolute.
  if (target === undefined || basename(target) === FORMAT) return;
  const name = `"${relative(reserved.root, place)}", which is the store's own,`;
  const what = /^format-\d+$/.test(basename(target))
    ? `${name} says ${basename(target)}. Only a later version of httpfstream can use it: install that one`
    : `${name} is a symbolic link. Remove the link`;
  throw new StreamError("storage", `Nothing can be stored or read: ${what}.`);
}

function former({ claims }: Reserved): string {
  return join(dirname(claims), FORMER);
}

/** Undefined if there is no link. */
function linkAt(place: string): string | undefined {
  try {
    return readlinkSync(place);
  } catch {
    return undefined;
  }
}

function stand(place: string): void {
  try {
    if (mayLink()) {
      symlinkSync(FORMAT, place);
      return;
    }
  } catch (error) {
    if (!NO_LINKS.has(errorCode(error))) throw error;
  }
  // An earlier version makes no entry behind a file either, but removes it when it starts.
  writeFileSync(place, `${FORMAT}\n`, { flag: "wx" });
}

/** Deno allows links only where everything may be read and written. Without that, the call would ask the user for it. */
function mayLink(): boolean {
  const { Deno } = globalThis as { Deno?: DenoPermissions };
  return (
    !Deno || (["read", "write"] as const).every((name) => Deno.permissions.querySync({ name }).state === "granted")
  );
}

/** Moves all entries and removes their folder. Fails if there are new ones by then. */
function moveEntries(place: string, { claims }: Reserved): void {
  for (const key of readdirSync(place)) {
    const from = join(place, key);
    if (lstatSync(from).isDirectory()) moveFolder(from, join(claims, key));
    else removeFileNow(from);
  }
  rmdirSync(place);
}

function moveFolder(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    makeFolderSync(to);
    renameSync(join(from, name), join(to, name));
  }
  rmdirSync(from);
}

/** The key that earlier versions gave to a file. */
export function formerKey(file: string): string {
  return keyOf(file);
}

/**
 * Moves the entries of a file that have the key of earlier versions to where this version expects them.
 *
 * @throws Errors of the operating system.
 */
export function adoptFormer(reserved: Reserved, file: string): void {
  const from = join(reserved.claims, formerKey(file));
  if (!existsSync(from)) return;
  try {
    moveFolder(from, join(reserved.claims, fileKey(reserved, file)));
  } catch (error) {
    // Another process does the same.
    if (!isMissing(error)) throw error;
  }
}
