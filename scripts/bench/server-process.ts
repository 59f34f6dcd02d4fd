/**
 * A server as a child process.
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";

/** Milliseconds within which a server must print its URL, and within which it must end after SIGTERM. */
const PATIENCE_MS = 15_000;

/** How much of the end of a server's output is kept, in characters. */
const OUTPUT_KEPT = 4_000;

/** A running server process. */
export class ServerProcess {
  readonly #child: ChildProcess;
  #output = "";

  /** Starts a program. */
  constructor(command: string, args: readonly string[], cwd?: string) {
    this.#child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
      ...(cwd === undefined ? {} : { cwd }),
    });
    // No server may outlive the benchmark.
    const kill = (): void => void this.#child.kill("SIGKILL");
    process.once("exit", kill);
    this.#child.once("close", () => process.off("exit", kill));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
      });
    }
  }

  /** The ids of the process and its children. */
  get pids(): number[] {
    const pid = this.#child.pid ?? -1;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return [pid, ...children.split(" ").filter(Boolean).map(Number)];
  }

  /**
   * Waits for output that matches, and resolves with the first group. Rejects if the process ends or takes too long.
   */
  printed(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = this.#child;
      const fail = (why: string): void => {
        stop();
        reject(new Error(`${child.spawnfile} ${why}. It printed:\n${this.#output}`));
      };
      const look = (): void => {
        const match = pattern.exec(this.#output);
        if (!match) return;
        stop();
        resolve(match[1] as string);
      };
      const ended = (): void => fail("ended before it listened");
      const broken = (error: Error): void => fail(`could not be started: ${error.message}`);
      const timer = setTimeout(() => fail("did not say where it listens"), PATIENCE_MS);
      const stop = (): void => {
        clearTimeout(timer);
        child.stdout?.off("data", look);
        child.off("close", ended).off("error", broken);
      };
      child.stdout?.on("data", look);
      child.once("close", ended).once("error", broken);
      look();
    });
  }

  /** Ends the process with SIGTERM, or with SIGKILL if that takes too long. */
  stop(): Promise<void> {
    const child = this.#child;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
      child.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      child.kill("SIGTERM");
    });
  }
}
