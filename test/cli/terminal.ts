/**
 * Real terminals, through tmux.
 * @module
 */
import { execFile, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { until } from "../fixture/until.ts";

const execute = promisify(execFile);

/** Why terminals are not available; false if they are. */
export const NO_TERMINALS: string | false =
  spawnSync("tmux", ["-V"]).status === 0 ? false : "tmux, which makes the terminals, is not installed";

/** A private tmux server. */
export class Terminals {
  readonly #socket = `httpfstream-${randomUUID()}`;
  readonly #env: Record<string, string>;
  readonly #open: string[] = [];

  /** @param path The folder that comes first in `PATH`. */
  constructor(path: string) {
    this.#env = { ...(process.env as Record<string, string>), PATH: `${path}:${process.env["PATH"]}` };
  }

  /** Opens a terminal with a shell. */
  async open(name: string): Promise<Terminal> {
    // Set here, because the shell with which tmux runs this would drop the prompt.
    const shell = "exec env PS1='$ ' bash --norc --noprofile";
    const size = ["-x", "150", "-y", "40"];
    if (this.#open.length === 0) await this.run("new-session", "-d", "-s", "all", ...size, "-n", name, shell);
    else await this.run("new-window", "-d", "-t", "all", "-n", name, shell);
    this.#open.push(name);
    const terminal = new Terminal(this, `all:${name}`);
    await terminal.shows(/^\$$/);
    return terminal;
  }

  /** Runs a tmux command, and returns its output. */
  async run(...args: string[]): Promise<string> {
    const { stdout } = await execute("tmux", ["-L", this.#socket, "-f", "/dev/null", ...args], { env: this.#env });
    return stdout;
  }

  /** Closes all terminals. */
  async close(): Promise<void> {
    if (this.#open.length > 0) await this.run("kill-server");
  }
}

/** One terminal. */
export class Terminal {
  readonly #all: Terminals;
  readonly #target: string;

  constructor(all: Terminals, target: string) {
    this.#all = all;
    this.#target = target;
  }

  /** Types text literally. */
  async type(text: string): Promise<void> {
    await this.#all.run("send-keys", "-t", this.#target, "-l", "--", text);
  }

  /** Types a line, and presses Enter. */
  async line(text: string): Promise<void> {
    await this.type(text);
    await this.press("Enter");
  }

  /** Presses a key by its tmux name, such as `C-c`. */
  async press(key: string): Promise<void> {
    await this.#all.run("send-keys", "-t", this.#target, key);
  }

  /** Everything shown so far, without blanks at the ends of lines and empty lines at the end. */
  async screen(): Promise<string> {
    const shown = await this.#all.run("capture-pane", "-p", "-t", this.#target, "-S", "-");
    return shown.trimEnd();
  }

  /** Waits until the screen matches a pattern, and returns the screen. Rejects with the screen if it never does. */
  async shows(pattern: RegExp): Promise<string> {
    let last = "";
    return await until(`${pattern} on the screen`, async () => {
      last = await this.screen();
      return pattern.test(last) && last;
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it shows:\n${last}`);
    });
  }
}
