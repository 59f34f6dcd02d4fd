/**
 * Links that show which process of a group has which path, for as long as the group has one lease.
 *
 * This time is a *term*. Its folder has a file for each path that a process of the group has claimed: a hard link to a
 * file that names this process. The system makes a link only if the name is free, so two processes of the group can't
 * both have a path. Processes outside the group do not look at these links: for them, each process of the group marks
 * its claims in a file of its own, as the owner of any lease does.
 * @module
 */
import { existsSync, linkSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode, isMissing } from "../folders/errors.ts";
import { makeFolderSync } from "../folders/folder.ts";
import { isOwnerRecord, type OwnerRecord } from "../processes/owner-record.ts";
import { removeFileNow } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";

/** Attempts at writing into a folder that other processes remove when it is empty. */
const ATTEMPTS = 8;

/** Prefix of the names of the files that the links lead to. */
const MEMBER = "member-";

/** The folder of a term. */
function termFolder({ groups }: Reserved, term: string): string {
  return join(groups, term);
}

/** The file of a claimed path. */
export function linkOf(reserved: Reserved, term: string, key: string): string {
  return join(termFolder(reserved, term), key);
}

/** The owner of a link. */
export type LinkOwner = OwnerRecord & {
  /** Whether the claim is cached between many short appends. */
  readonly isKept?: boolean;
};

/**
 * The process that has a path in a term.
 *
 * @returns Undefined if no process of the group has it; `unknown` for a torn file, as after a power cut.
 * @throws Errors of the operating system.
 */
export function linkOwner(reserved: Reserved, term: string, key: string): LinkOwner | "unknown" | undefined {
  let text: string;
  try {
    text = readFileSync(linkOf(reserved, term, key), "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const owner: unknown = JSON.parse(text);
    return isOwnerRecord(owner) ? owner : "unknown";
  } catch {
    return "unknown";
  }
}

/** The claims of one process in a term. */
export class TermLinks {
  readonly term: string;
  readonly #reserved: Reserved;
  readonly #id: string;

  private constructor(reserved: Reserved, term: string, id: string) {
    this.#reserved = reserved;
    this.term = term;
    this.#id = id;
  }

  /**
   * Joins a term.
   *
   * @param owner The record of this process.
   * @throws Errors of the operating system.
   */
  static join(reserved: Reserved, term: string, owner: OwnerRecord): TermLinks {
    const links = new TermLinks(reserved, term, owner.id);
    for (const isKept of [false, true]) {
      const file = links.#member(isKept);
      for (let attempt = 1; ; attempt++) {
        makeFolderSync(termFolder(reserved, term));
        try {
          writeFileSync(file, `${JSON.stringify({ ...owner, ...(isKept && { isKept }) })}\n`, { mode: 0o600 });
          break;
        } catch (error) {
          if (!isMissing(error) || attempt === ATTEMPTS) throw error;
        }
      }
    }
    return links;
  }

  /** Whether a process of the group has a path, this one included. */
  has(key: string): boolean {
    return existsSync(linkOf(this.#reserved, this.term, key));
  }

  /**
   * Takes a path.
   *
   * @param isKept Whether the claim is cached between many short appends.
   * @returns Whether this process has it now. If not, another process of the group has it, or this one already. Undefined if
   * no links can be made here, or not any more.
   */
  take(key: string, isKept: boolean): boolean | undefined {
    try {
      linkSync(this.#member(isKept), linkOf(this.#reserved, this.term, key));
      return true;
    } catch (error) {
      return errorCode(error) === "EEXIST" ? false : undefined;
    }
  }

  /**
   * Frees a path that this process has taken.
   *
   * @throws Errors of the operating system.
   */
  free(key: string): void {
    removeFileNow(linkOf(this.#reserved, this.term, key));
  }

  /** Leaves the term. Paths that this process still has stay there until it frees them. */
  leave(): void {
    try {
      for (const isKept of [false, true]) removeFileNow(this.#member(isKept));
      rmdirSync(termFolder(this.#reserved, this.term));
    } catch {
      // Other processes still use the folder. The last one removes it, or a later start does.
    }
  }

  #member(isKept: boolean): string {
    return join(termFolder(this.#reserved, this.term), `${MEMBER}${this.#id}${isKept ? "-k" : ""}`);
  }
}
