/**
 * Records the contents of terminals over time, using tmux.
 * @module
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A change of one row of a terminal. */
export interface Change {
  readonly atMs: number;
  readonly row: number;
  readonly text: string;
}

/** The size of a terminal, and the working folder and environment of its shell. */
export interface TerminalOptions {
  readonly columns: number;
  readonly rows: number;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Milliseconds between two captures of the terminals. */
const LOOK_MS = 40;

/** Milliseconds after which waiting for a text fails. */
const PATIENCE_MS = 30_000;

/** Runs a separate tmux server with one session per terminal, and records all of them. */
export class Recorder {
  readonly #socket: string;
  readonly #began = Date.now();
  readonly #terminals: Terminal[] = [];
  #looking: Promise<void> | undefined;
  #stopped = false;

  /** @param folder Where to create the socket of the tmux server. */
  constructor(folder: string) {
    this.#socket = join(folder, "tmux");
  }

  /** Opens a terminal with a shell whose prompt is `$ `. */
  open({ columns, rows, cwd, env }: TerminalOptions): Terminal {
    const name = `t${this.#terminals.length}`;
    const settings = Object.entries({ ...env, PS1: "$ ", NO_COLOR: "1" });
    const words = ["env", ...settings.map(([key, value]) => `${key}=${value}`), "bash", "--norc", "--noprofile"];
    const shell = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const size = ["-x", String(columns), "-y", String(rows)];
    this.#tmux("new-session", "-d", "-s", name, "-c", cwd, ...size, `exec ${shell}`);
    // The status line would take up one row.
    this.#tmux("set-option", "-t", name, "status", "off");
    this.#tmux("resize-window", "-t", name, ...size);
    const terminal = new Terminal(
      (...args) => this.#tmux(...args),
      name,
      () => Date.now() - this.#began,
    );
    this.#terminals.push(terminal);
    this.#looking ??= this.#look();
    return terminal;
  }

  /** Stops the recording and kills the processes in the terminals. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#looking;
    this.#tmux("kill-server");
  }

  async #look(): Promise<void> {
    while (!this.#stopped) {
      for (const terminal of this.#terminals) terminal.look();
      await sleep(LOOK_MS);
    }
  }

  #tmux(...args: string[]): string {
    return execFileSync("tmux", ["-S", this.#socket, "-f", "/dev/null", ...args], { encoding: "utf8" });
  }
}

/** One recorded terminal. */
export class Terminal {
  /** All recorded changes, in order. */
  readonly changes: Change[] = [];
  /** The rows as last captured, without trailing spaces. */
  rows: string[] = [];
  readonly #tmux: (...args: string[]) => string;
  readonly #name: string;
  readonly #nowMs: () => number;

  constructor(tmux: (...args: string[]) => string, name: string, nowMs: () => number) {
    this.#tmux = tmux;
    this.#name = name;
    this.#nowMs = nowMs;
  }

  /** Captures the terminal and records the rows that have changed. */
  look(): void {
    const rows = this.#tmux("capture-pane", "-p", "-t", this.#name)
      .split("\n")
      .map((row) => row.trimEnd());
    const atMs = this.#nowMs();
    for (const [row, text] of rows.entries()) {
      if (text !== (this.rows[row] ?? "")) this.changes.push({ atMs, row, text });
    }
    this.rows = rows;
  }

  /** Types a line, followed by Enter. */
  type(line: string): void {
    this.#tmux("send-keys", "-t", this.#name, "-l", line);
    this.#tmux("send-keys", "-t", this.#name, "Enter");
  }

  /** Presses Ctrl+C. */
  interrupt(): void {
    this.#tmux("send-keys", "-t", this.#name, "C-c");
  }

  /**
   * Waits until the terminal shows a text that matches.
   *
   * @throws {Error} if it does not within 30 seconds.
   */
  async shows(pattern: RegExp): Promise<void> {
    const deadlineMs = this.#nowMs() + PATIENCE_MS;
    while (!pattern.test(this.rows.join("\n").trimEnd())) {
      if (this.#nowMs() > deadlineMs) throw new Error(`${pattern} did not appear:\n${this.rows.join("\n")}`);
      await sleep(LOOK_MS);
    }
  }
}
