/**
 * What an append remembers in a file, for the next run of the same command.
 * @module
 */
import { randomUUID } from "node:crypto";
import { access, constants, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { parseTarget } from "../client/target.ts";
import { systemMessage } from "./complaint.ts";
import { WrongUsage } from "./options.ts";

/** An append that was begun and not ended. */
export interface Begun {
  /** The token of its session. Whoever knows it can append: the file is for its owner alone. */
  readonly session: string;
  /** The offset, in the resource, of the first byte of its input. */
  readonly start: number;
  /** The content that it appends to, where the server names it. */
  readonly generation?: string | undefined;
}

/** The file that `--resume-file` names. */
export class ResumeFile {
  /** What an earlier run has begun, if there was one. */
  readonly begun: Begun | undefined;
  readonly #file: string;
  readonly #url: string;

  private constructor(file: string, url: string, begun: Begun | undefined) {
    this.#file = file;
    this.#url = url;
    this.begun = begun;
  }

  /**
   * Looks what is there, and whether something can be put there.
   *
   * @throws {WrongUsage} when the file is about another URL, or is no resume file at all.
   */
  static async open(file: string, url: string): Promise<ResumeFile> {
    const { href } = parseTarget(url).url;
    try {
      await access(dirname(file), constants.W_OK | constants.X_OK);
      return new ResumeFile(file, href, understood(await readFile(file, "utf8"), file, href));
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT" && (await exists(dirname(file)));
      if (missing) return new ResumeFile(file, href, undefined);
      throw error instanceof WrongUsage ? error : unusable(file, error);
    }
  }

  /** Remembers an append: when this resolves the file is there as a whole, on the disk. */
  async save({ session, start, generation }: Begun): Promise<void> {
    const temporary = `${this.#file}.${randomUUID()}.tmp`;
    try {
      const handle = await open(temporary, "wx", 0o600);
      try {
        await handle.writeFile(`${JSON.stringify({ url: this.#url, session, start, generation })}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.#file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw unusable(this.#file, error);
    }
  }

  /** There is nothing to go on with any more. */
  async remove(): Promise<void> {
    await rm(this.#file, { force: true }).catch((error: unknown) => {
      throw unusable(this.#file, error);
    });
  }
}

function understood(text: string, file: string, href: string): Begun {
  const { url, session, start, generation } = parsed(text);
  if (typeof url !== "string" || typeof session !== "string" || typeof start !== "number") {
    throw new WrongUsage(`${file} was not made by --resume-file. Name another file; this one is left as it is.`);
  }
  if (url === href) return { session, start, ...(typeof generation === "string" && { generation }) };
  throw new WrongUsage(`${file} is about an append to ${url}, not to ${href}. Name another file, or remove this one.`);
}

function parsed(text: string): { url?: unknown; session?: unknown; start?: unknown; generation?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function exists(folder: string): Promise<boolean> {
  return access(folder).then(
    () => true,
    () => false,
  );
}

function unusable(file: string, cause: unknown): Error {
  return new Error(`Can't use the resume file ${file}: ${systemMessage(cause) ?? String(cause)}.`, { cause });
}
