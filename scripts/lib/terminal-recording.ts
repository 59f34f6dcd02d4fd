/**
 * Records what terminals show over time, with tmux.
 * @module
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What a row of a terminal shows from a moment on. */
export interface Change {
  readonly atMs: number;
  readonly row: number;
  readonly text: string;
}

/** A terminal and its shell. */
export interface TerminalOptions {
  readonly columns: number;
  readonly rows: number;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Milliseconds between two looks at the terminals. */
const LOOK_MS = 40;

/** Milliseconds after which a line that is waited for is taken for lost. */
const PATIENCE_MS = 30_000;

/** A tmux server of its own, with one terminal a window, all of them recorded. */
export class Recorder {
  readonly #socket: string;
  readonly #began = Date.now();
  readonly #terminals: Terminal[] = [];
  #looking: Promise<void> | undefined;
  #stopped = false;

  /** @param folder Where it may put its socket. */
  constructor(folder: string) {
    this.#socket = join(folder, "tmux");
  }

  /** Opens a terminal with a shell that shows `$ ` and nothing else. */
  open({ columns, rows, cwd, env }: TerminalOptions): Terminal {
    const name = `t${this.#terminals.length}`;
    const settings = Object.entries({ ...env, PS1: "$ ", NO_COLOR: "1" });
    const words = ["env", ...settings.map(([key, value]) => `${key}=${value}`), "bash", "--norc", "--noprofile"];
    const shell = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const size = ["-x", String(columns), "-y", String(rows)];
    this.#tmux("new-session", "-d", "-s", name, "-c", cwd, ...size, `exec ${shell}`);
    // The status line would take a row.
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

  /** Ends the recording and everything that runs in the terminals. */
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
  /** All that happened, in order. */
  readonly changes: Change[] = [];
  /** What it shows now. */
  rows: string[] = [];
  readonly #tmux: (...args: string[]) => string;
  readonly #name: string;
  readonly #nowMs: () => number;

  constructor(tmux: (...args: string[]) => string, name: string, nowMs: () => number) {
    this.#tmux = tmux;
    this.#name = name;
    this.#nowMs = nowMs;
  }

  /** Takes down what has changed. */
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

  /** Types a line. */
  type(line: string): void {
    this.#tmux("send-keys", "-t", this.#name, "-l", line);
    this.#tmux("send-keys", "-t", this.#name, "Enter");
  }

  /** Waits until it shows something. */
  async shows(pattern: RegExp): Promise<void> {
    const deadlineMs = this.#nowMs() + PATIENCE_MS;
    while (!pattern.test(this.rows.join("\n").trimEnd())) {
      if (this.#nowMs() > deadlineMs) throw new Error(`${pattern} did not appear:\n${this.rows.join("\n")}`);
      await sleep(LOOK_MS);
    }
  }
}
