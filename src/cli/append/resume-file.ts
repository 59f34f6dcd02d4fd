/**
 * What an append remembers in a file, for the next run of the same command.
 * @module
 */
import { access, constants, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { systemMessage } from "../common/complaint.ts";
import { WrongUsage } from "../common/options.ts";
import { resourceOf } from "../common/resource-url.ts";
import { readSmallFile, writeSmallFile } from "../common/small-file.ts";

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
    const resource = resourceOf(url);
    try {
      await access(dirname(file), constants.W_OK | constants.X_OK);
      const text = await readSmallFile(file, { links: true });
      return new ResumeFile(file, resource, text === undefined ? undefined : understood(text, file, resource));
    } catch (error) {
      throw error instanceof WrongUsage ? error : unusable(file, error);
    }
  }

  /** Remembers an append: when this resolves the file is there as a whole, on the disk. */
  async save({ session, start, generation }: Begun): Promise<void> {
    try {
      await writeSmallFile(this.#file, `${JSON.stringify({ url: this.#url, session, start, generation })}\n`, {
        sync: true,
      });
    } catch (error) {
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

function understood(text: string, file: string, resource: string): Begun {
  const { url, session, start, generation } = parsed(text);
  if (typeof url !== "string" || typeof session !== "string" || typeof start !== "number") {
    throw new WrongUsage(`${file} was not made by --resume-file. Name another file; this one is left as it is.`);
  }
  const noted = URL.canParse(url) ? resourceOf(url) : url;
  if (noted === resource) return { session, start, ...(typeof generation === "string" && { generation }) };
  throw new WrongUsage(
    `${file} is about an append to ${noted}, not to ${resource}. Name another file, or remove this one.`,
  );
}

function parsed(text: string): { url?: unknown; session?: unknown; start?: unknown; generation?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function unusable(file: string, cause: unknown): Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  const folder = code === "ENOENT" ? `there is no folder ${dirname(file)}` : undefined;
  return new Error(`Can't use the resume file ${file}: ${folder ?? systemMessage(cause) ?? message}.`, { cause });
}
