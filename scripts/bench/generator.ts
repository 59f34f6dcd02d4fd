/**
 * Controls a load generator: a child process that executes commands.
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { CommandMessage, Commands, ResultMessage } from "./generator/protocol.ts";

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A running load generator. */
export class Generator {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  /** Starts a load generator. `program` is the path of its compiled `main.js`. */
  constructor(program: string) {
    this.#child = spawn(process.execPath, [program], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.pid = this.#child.pid ?? -1;
    this.#child.on("message", (message: ResultMessage) => this.#answered(message));
    this.#child.once("close", () => this.#ended());
  }

  /** Executes a command and resolves with its result. Rejects if the command fails or the process ends. */
  call<Name extends keyof Commands>(
    name: Name,
    input: Parameters<Commands[Name]>[0],
  ): Promise<ReturnType<Commands[Name]>> {
    const message: CommandMessage = { id: ++this.#lastId, name, input };
    return new Promise((resolve, reject) => {
      this.#pending.set(message.id, { resolve: resolve as (result: unknown) => void, reject });
      this.#child.send(message);
    });
  }

  /** Whether the process is running. */
  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Kills the process. */
  stop(): Promise<void> {
    if (!this.running) return Promise.resolve();
    return new Promise((resolve) => {
      this.#child.once("close", () => resolve());
      this.#child.kill("SIGKILL");
    });
  }

  #answered({ id, result, error }: ResultMessage): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve(result);
    else pending?.reject(new Error(error));
  }

  #ended(): void {
    for (const { reject } of this.#pending.values()) reject(new Error("A load generator has ended."));
    this.#pending.clear();
  }
}
