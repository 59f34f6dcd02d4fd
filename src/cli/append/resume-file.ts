/**
 * The file in which `append` keeps what the next run needs to resume.
 * @module
 */
import { access, constants, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { systemMessage } from "../common/error-line.ts";
import { WrongUsage } from "../common/options.ts";
import { resourceOf } from "../common/resource-url.ts";
import { readSmallFile, writeSmallFile } from "../common/small-file.ts";

/** An append that was begun and not ended. */
export interface Begun {
  /** The session token. Any program that has it can append, so only the owner may read the file. */
  readonly session: string;
  /** The offset, in the resource, of the first byte of the input. */
  readonly start: number;
  /** The content generation that is appended to, if the server sends it. */
  readonly generation?: string | undefined;
}

/** The file of `--resume-file`. */
export class ResumeFile {
  /** The append that an earlier run began; undefined if there was no earlier run. */
  readonly begun: Begun | undefined;
  readonly #file: string;
  readonly #url: string;

  private constructor(file: string, url: string, begun: Begun | undefined) {
    this.#file = file;
    this.#url = url;
    this.begun = begun;
  }

  /**
   * Reads the file and checks that its folder is writable.
   *
   * @throws {WrongUsage} if the file belongs to another URL or is not a resume file; an error with an explanation if it
   * is unusable.
   */
  static async open(file: string, url: string): Promise<ResumeFile> {
    const resource = resourceOf(url);
    try {
      await access(dirname(file), constants.W_OK | constants.X_OK);
      const text = await readSmallFile(file, { links: true });
      return new ResumeFile(file, resource, text === undefined ? undefined : parseBegun(text, file, resource));
    } catch (error) {
      throw error instanceof WrongUsage ? error : unusable(file, error);
    }
  }

  /**
   * Saves an append. When this resolves, the complete file is on the disk.
   *
   * @throws an error with an explanation if it cannot be written.
   */
  async save({ session, start, generation }: Begun): Promise<void> {
    try {
      await writeSmallFile(this.#file, `${JSON.stringify({ url: this.#url, session, start, generation })}\n`, {
        sync: true,
        links: true,
      });
    } catch (error) {
      throw unusable(this.#file, error);
    }
  }

  /**
   * Removes the file, because the append is complete.
   *
   * @throws an error with an explanation if it cannot be removed.
   */
  async remove(): Promise<void> {
    await rm(this.#file, { force: true }).catch((error: unknown) => {
      throw unusable(this.#file, error);
    });
  }
}

function parseBegun(text: string, file: string, resource: string): Begun {
  const { url, session, start, generation } = parseObject(text);
  if (typeof url !== "string" || typeof session !== "string" || typeof start !== "number") {
    throw new WrongUsage(`${file} is not a resume file. Name another file; this one was left unchanged.`);
  }
  const noted = URL.canParse(url) ? resourceOf(url) : url;
  if (noted === resource) return { session, start, ...(typeof generation === "string" && { generation }) };
  throw new WrongUsage(
    `${file} belongs to an append to ${noted}, not to ${resource}. Name another file, or remove this one.`,
  );
}

function parseObject(text: string): { url?: unknown; session?: unknown; start?: unknown; generation?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function unusable(file: string, cause: unknown): Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  const folder = code === "ENOENT" ? `the folder ${dirname(file)} does not exist` : undefined;
  return new Error(`Can't use the resume file ${file}: ${folder ?? systemMessage(cause) ?? message}.`, { cause });
}
