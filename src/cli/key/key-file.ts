/**
 * Files with keys.
 * @module
 */
import { stat } from "node:fs/promises";
import process from "node:process";
import { text } from "node:stream/consumers";
import { isSecret, type Jwk, type JwkSet, parseKey, verificationKeys } from "../../auth/keys.ts";
import { systemMessage } from "../common/error-line.ts";
import { readSmallFile } from "../common/small-file.ts";
import { say } from "../common/terminal.ts";

/** Milliseconds between two checks of a file that may have changed. */
const LOOK_MS = 1_000;

/**
 * Reads a key file and checks its keys. Warns if other users can read a secret in it.
 *
 * @param file A JWK, a set of JWKs, or a PEM block; `-` for standard input.
 * @throws an error with a sentence that contains the file name.
 */
export async function readKeyFile(file: string): Promise<Jwk | JwkSet> {
  const key = await parsedFile(file);
  if (file !== "-" && jwksOf(key).some(isSecret) && (await isOpenToOthers(file))) {
    say(`warning: other users can read the key in ${file}. To prevent that: chmod 600 ${file}`);
  }
  return key;
}

/** The JWKs of a key. */
export function jwksOf(key: Jwk | JwkSet): Jwk[] {
  return "keys" in key ? (key as JwkSet).keys.filter((each) => typeof each === "object" && each !== null) : [key];
}

/** Whether permission bits let other users read a file. */
export function isReadableByOthers(mode: number): boolean {
  return process.platform !== "win32" && (mode & 0o077) !== 0;
}

/** The key in a file that may change while the server runs. */
export class KeyFile {
  readonly #file: string;
  readonly #report: (error: Error) => void;
  #key: Jwk | JwkSet;
  #version: string;
  #nextLookMs = performance.now() + LOOK_MS;
  #looking: Promise<void> | undefined;

  private constructor(file: string, key: Jwk | JwkSet, version: string, report: (error: Error) => void) {
    this.#file = file;
    this.#key = key;
    this.#version = version;
    this.#report = report;
  }

  /**
   * Reads a key file.
   *
   * @param report Receives an error for each version of the file that can't be used. The last good key stays in use.
   * @throws an error with a sentence if the file can't be used.
   */
  static async open(file: string, report: (error: Error) => void): Promise<KeyFile> {
    // Taken before the content: a change in between is then seen at the next check.
    const version = await versionOf(file);
    return new KeyFile(file, await readKeyFile(file), version, report);
  }

  /** The key: the same object until the file has changed. The file is checked no more than once per second. */
  async current(): Promise<Jwk | JwkSet> {
    if (performance.now() >= this.#nextLookMs) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
        this.#nextLookMs = performance.now() + LOOK_MS;
      });
    }
    await this.#looking;
    return this.#key;
  }

  async #look(): Promise<void> {
    const version = await versionOf(this.#file);
    if (version === this.#version) return;
    this.#version = version;
    try {
      this.#key = await parsedFile(this.#file);
    } catch (error) {
      this.#report(error as Error);
    }
  }
}

async function parsedFile(file: string): Promise<Jwk | JwkSet> {
  const name = file === "-" ? "standard input" : file;
  try {
    const content = file === "-" ? await text(process.stdin) : await readSmallFile(file, { links: true });
    if (content === undefined) throw Object.assign(new Error(), { code: "ENOENT" });
    const key = await parseKey(content);
    await verificationKeys(key);
    return key;
  } catch (cause) {
    const why = systemMessage(cause) ?? (cause as Error).message;
    throw new Error(`The key in ${name} can't be used: ${why.replace(/^It is/, "it is").replace(/\.$/, "")}.`, {
      cause,
    });
  }
}

/** Changes whenever the file is written or replaced; empty if it does not exist. */
async function versionOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  return found ? [found.dev, found.ino, found.size, found.mtimeMs, found.ctimeMs].join() : "";
}

async function isOpenToOthers(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && isReadableByOthers(found.mode);
}
