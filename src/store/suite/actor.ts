/**
 * The actions that the suite lets another process perform with its store.
 * @module
 */
import type { AppendHandle, SessionClaim, SessionRecord, Store } from "../../engine/storage/store.ts";
import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { bytesOf } from "./bytes.ts";

/** A process with a store on the same data, or a second instance in the same one that behaves like a process. */
export interface OtherProcess {
  /** Passes a command to its {@link storeActor}, and returns the answer. */
  ask(command: string): Promise<string>;
  /** Ends the process at once: nothing that it holds is released. Does nothing once it has ended. */
  kill(): Promise<void> | void;
  /** Suspends the process, as `SIGSTOP` does. Omitted if that is not possible. */
  freeze?(): void;
  /** Resumes it. */
  wake?(): void;
}

/**
 * Executes commands of the suite on a store, for the program that is the other process of {@link OpenStore.elsewhere}. The
 * program passes each line that it gets, and prints the answer, which is one line. It need not understand them.
 *
 * @returns Executes one command. Never rejects.
 * @example
 * ```ts
 * import { createInterface } from "node:readline";
 * import { storeActor } from "httpfstream/store";
 *
 * const act = storeActor(databaseStore(connection));
 * for await (const line of createInterface({ input: process.stdin })) console.log(await act(line));
 * ```
 */
export function storeActor(store: Store): (command: string) => Promise<string> {
  const actor = new Actor(store);
  return async (command) => {
    try {
      const [verb = "", path = "", ...words] = command.split(" ");
      return await actor.act(verb, path, words.join(" "));
    } catch (error) {
      return `refused ${StreamError.from(error).code}`;
    }
  };
}

/** The record of a session that cases use. */
export function recordOf(path: string, seed: string): SessionRecord {
  return { path, digest: seed.repeat(64).slice(0, 64) };
}

class Actor {
  readonly #store: Store;
  readonly #handles = new Map<string, AppendHandle>();
  /** The paths whose appends are about to end. */
  readonly #leaving = new Set<string>();

  constructor(store: Store) {
    this.#store = store;
  }

  async act(verb: string, path: string, rest: string): Promise<string> {
    if (verb === "claim") return this.#claim(path);
    const handle = this.#handles.get(path);
    if (!handle) throw new TypeError(`This process has not claimed "${path}".`);
    switch (verb) {
      case "append":
        return `size ${await handle.append(bytesOf(rest))}`;
      case "announce":
        await handle.leaveEndMarker?.(rest as EndReason);
        return "announced";
      case "release":
        await handle.release(rest === "" ? undefined : (rest as EndReason));
        return "released";
      case "leave":
        this.#leaving.add(path);
        return "leaving";
      case "yield":
        return this.#yield(handle);
      case "save":
        await this.#store.sessions.save(recordOf(path, rest), claimOf(handle));
        return "saved";
      case "forget":
        await this.#store.sessions.remove(path, claimOf(handle));
        return "forgotten";
      default:
        throw new TypeError(`There is no command "${verb}".`);
    }
  }

  async #claim(path: string): Promise<string> {
    this.#leaving.delete(path);
    const handle = await this.#store.claim(path, { isLeaving: () => this.#leaving.has(path) });
    this.#handles.set(path, handle);
    return `claimed at ${handle.offset}`;
  }

  /** From now on, releases the path when another process requests it. */
  #yield(handle: AppendHandle): string {
    const { handoverRequested } = handle;
    if (!handoverRequested) throw new TypeError('The handle has no "handoverRequested".');
    const release = (): void => void handle.release("restarting").catch(() => {});
    if (handoverRequested.aborted) release();
    else handoverRequested.addEventListener("abort", release);
    return "yields";
  }
}

/** The claim under which the record of a session is changed. */
export function claimOf(handle: AppendHandle): SessionClaim {
  return { epoch: handle.epoch, isOurs: () => !(handle.isRevoked?.() ?? handle.revoked.aborted) };
}
