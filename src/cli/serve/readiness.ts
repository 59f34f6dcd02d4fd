/**
 * Whether the server can serve requests now.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { checkWrites } from "../../stores/file/reserved/write-check.ts";
import { systemMessage } from "../common/error-line.ts";

/** Milliseconds after which a store that does not answer counts as not writable. */
const TIMEOUT_MS = 2_000;

/** What the server does. */
export type Phase = "starting" | "serving" | "shutting down";

/** A store that says whether it can serve requests. */
export interface HealthyStore {
  /** Why it can't, in one line; undefined if it can. Does not reject. */
  health(): Promise<string | undefined>;
}

const ALWAYS_HEALTHY: HealthyStore = { health: async () => undefined };

/** The readiness of one server. */
export class Readiness {
  readonly #root: string | undefined;
  readonly #phase: () => Phase;
  readonly #store: HealthyStore;
  /** The write that is under way, so that a stuck disk gets only one. */
  #check: Promise<string | undefined> | undefined;

  /**
   * @param root The folder that is served; undefined for a store without one.
   * @param phase Returns what the server does.
   * @param store Says why the store can't serve requests. Default: it always can.
   */
  constructor(root: string | undefined, phase: () => Phase, store: HealthyStore = ALWAYS_HEALTHY) {
    this.#root = root;
    this.#phase = phase;
    this.#store = store;
  }

  /** Why the server is not ready, as a sentence; undefined if it is. */
  async obstacle(): Promise<string | undefined> {
    const before = this.#obstacleOfPhase();
    if (before !== undefined) return before;
    this.#check ??= this.#look().finally(() => {
      this.#check = undefined;
    });
    // A shutdown may have begun meanwhile.
    const late = this.#root === undefined ? LATE_STORE : LATE_FOLDER;
    return (await inTime(this.#check, late)) ?? this.#obstacleOfPhase();
  }

  #obstacleOfPhase(): string | undefined {
    const phase = this.#phase();
    return phase === "serving" ? undefined : `The server is ${phase}.`;
  }

  async #look(): Promise<string | undefined> {
    const unwritable = this.#root === undefined ? undefined : await unwritableFolder(this.#root);
    return unwritable ?? (await this.#store.health());
  }
}

const LATE_FOLDER = "The root folder can't be written to: the disk does not answer.";
const LATE_STORE = "The store does not answer.";

/** Why a folder can't be written to, as a sentence; undefined if it can. */
async function unwritableFolder(root: string): Promise<string | undefined> {
  try {
    await checkWrites(root);
    return undefined;
  } catch (error) {
    const why = error instanceof StreamError ? error.message : (systemMessage(error) ?? String(error));
    return `The root folder can't be written to: ${why.replace(/\.$/, "")}.`;
  }
}

/** Waits for a check; one that takes too long has the outcome `late`. */
async function inTime(check: Promise<string | undefined>, late: string): Promise<string | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(late), TIMEOUT_MS);
  });
  try {
    return await Promise.race([check, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
