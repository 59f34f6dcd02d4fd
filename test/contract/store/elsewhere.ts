/**
 * Stores in other processes, for the section `shared` of the suite.
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import type { OtherProcess } from "../../../src/store/mod.ts";
import { Program, scriptArguments } from "../../fixture/processes.ts";

const CLAIMANT = join("test", "contract", "store", "claimant.ts");

/** Why there are no other processes here, or undefined. They are Node's, and so are the tests that start them. */
export const NO_PROCESSES: string | undefined =
  "Deno" in globalThis || "Bun" in globalThis ? "tested on Node, with processes of its own" : undefined;

/** What makes the store of a process: a module such as `src/stores/memory.ts`, a function that it exports, and its options. */
export interface StoreMaker {
  readonly module: string;
  readonly name: string;
  readonly options: object;
}

/** Controls a process with a store; see `claimant.ts`. */
export class Claimant implements OtherProcess {
  readonly #program: Program;
  #said = 0;

  constructor({ module, name, options }: StoreMaker) {
    const made = [module, name, JSON.stringify(options)];
    this.#program = new Program(process.execPath, [...scriptArguments("node", CLAIMANT), ...made]);
  }

  /** Sends a command and returns the line that it prints. Commands must not overlap. */
  async ask(command: string): Promise<string> {
    const from = this.#said++;
    await this.#program.write(`${command}\n`);
    const found = await this.#program.printed(new RegExp(`^(?:[^\\n]*\\n){${from}}([^\\n]+)\\n`));
    return found[1] ?? "";
  }

  /** Suspends the process until {@link wake}. */
  freeze(): void {
    this.#program.child.kill("SIGSTOP");
  }

  wake(): void {
    this.#program.child.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    await this.#program.stop("SIGKILL");
  }
}

/** A process with a file store. */
export function fileClaimant(root: string): Claimant {
  return new Claimant({ module: "src/stores/file/store.ts", name: "fileStore", options: { root } });
}
