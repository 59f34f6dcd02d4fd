/**
 * Runs a copy between the stores that the command names.
 * @module
 */
import { realpathSync, statSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import type { Store } from "../../engine/storage/store.ts";
import { fileStore } from "../../stores/file/store.ts";
import { DONE, FAILED } from "../common/exit-codes.ts";
import { Interrupts } from "../common/interrupts.ts";
import { WrongUsage } from "../common/options.ts";
import { say } from "../common/terminal.ts";
import { natsStore } from "../stores/nats.ts";
import { openInTime } from "../stores/open-in-time.ts";
import type { NatsFlags } from "../stores/options.ts";
import { type StorePlace, shownPlace } from "../stores/store-url.ts";
import { copyAll } from "./copy-all.ts";
import { Report } from "./report.ts";

/** The options of the command, parsed. */
export interface CopyFlags extends NatsFlags {
  readonly live?: true;
  readonly check?: true;
  readonly jobs: number;
  readonly verbose?: true;
}

/** What to copy. */
export interface CopyTask {
  readonly from: StorePlace;
  readonly to: StorePlace;
  /** Paths of resources and folders. Empty for everything. */
  readonly roots: readonly string[];
  readonly flags: CopyFlags;
  /** What the user has typed, for messages. */
  readonly command: string;
}

/**
 * Copies.
 *
 * @returns The exit code.
 * @throws {WrongUsage} if both stores are the same; an error with a sentence if one can't be opened.
 */
export async function runCopy({ from, to, roots, flags, command }: CopyTask): Promise<number> {
  checkFolders(from, to);
  const interrupts = new Interrupts();
  const { signal } = interrupts;
  const { verbose = false, check: isCheck = false, live: isLive = false, jobs } = flags;
  const stores: Store[] = [];
  try {
    for (const place of [from, to]) {
      const store = await storeAt(place, flags);
      stores.push(store);
      if (verbose && place.kind === "nats") say(`connecting to ${shownPlace(place)}`);
      if (!(await openInTime(async () => store.open?.(), signal))) return interrupts.exitCode(FAILED);
    }
    const [source, copy] = stores as [Store, Store];
    const report = new Report({ command, verbose, isCheck, say });
    await copyAll({ from: source, to: copy, roots, isLive, isCheck, jobs, report, signal });
    report.end();
    if (signal.aborted) say("Interrupted. The same command continues where this one has stopped.");
    return interrupts.exitCode(report.failures > 0 ? FAILED : DONE);
  } finally {
    // An interrupt must not wait for a store that does not answer.
    if (!signal.aborted) await Promise.all(stores.map((store) => store.close?.().catch(() => {})));
  }
}

async function storeAt(place: StorePlace, flags: CopyFlags): Promise<Store> {
  if (place.kind === "nats") return natsStore(place.servers, flags);
  if (place.kind === "memory") throw new WrongUsage("A store in memory ends with its server, so it can't be copied.");
  // A byte that counts as copied has to survive a power cut.
  return fileStore({ root: place.folder, durability: "disk" });
}

/** @throws {WrongUsage} if one folder is in the other one; an error if the source does not exist. */
function checkFolders(from: StorePlace, to: StorePlace): void {
  if (from.kind === "file") {
    const found = statSync(from.folder, { throwIfNoEntry: false });
    if (!found?.isDirectory()) throw new Error(`The folder ${resolve(from.folder)} does not exist.`);
  }
  if (from.kind === "file" && to.kind === "file") {
    const [source, copy] = [realFolder(from.folder), realFolder(to.folder)];
    if (isWithin(source, copy) || isWithin(copy, source)) {
      throw new WrongUsage(`${source} and ${copy} are the same folder, or one is in the other one.`);
    }
  } else if (from.kind === "nats" && to.kind === "nats" && shownPlace(from) === shownPlace(to)) {
    throw new WrongUsage("The source and the destination are the same store.");
  }
}

/** The real location of a folder, which may not exist yet. */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return resolve(folder);
  }
}

function isWithin(inner: string, outer: string): boolean {
  const way = relative(outer, inner);
  return way === "" || !(way === ".." || way.startsWith(`..${sep}`) || resolve(way) === way);
}
