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
  readonly #root: string;
  readonly #phase: () => Phase;
  readonly #store: HealthyStore;
  /** The write that is under way, so that a stuck disk gets only one. */
  #check: Promise<string | undefined> | undefined;

  /**
   * @param root The folder that is served.
   * @param phase Returns what the server does.
   * @param store Says why the store can't serve requests. Default: it always can.
   */
  constructor(root: string, phase: () => Phase, store: HealthyStore = ALWAYS_HEALTHY) {
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
    return (await inTime(this.#check)) ?? this.#obstacleOfPhase();
  }

  #obstacleOfPhase(): string | undefined {
    const phase = this.#phase();
    return phase === "serving" ? undefined : `The server is ${phase}.`;
  }

  async #look(): Promise<string | undefined> {
    return (await this.#write()) ?? (await this.#store.health());
  }

  async #write(): Promise<string | undefined> {
    try {
      await checkWrites(this.#root);
      return undefined;
    } catch (error) {
      const why = error instanceof StreamError ? error.message : (systemMessage(error) ?? String(error));
      return `The root folder can't be written to: ${why.replace(/\.$/, "")}.`;
    }
  }
}

async function inTime(check: Promise<string | undefined>): Promise<string | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("The root folder can't be written to: the disk does not answer."), TIMEOUT_MS);
  });
  try {
    return await Promise.race([check, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
