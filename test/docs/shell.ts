/**
 * A command line that runs in its own shell, with all processes that it starts.
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { until, within } from "../fixture/until.ts";

/** The working directory and the environment of a command line. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The character with which a terminal interrupts its program. */
const CTRL_C = "\u0003";

/** A running command line, with its standard output and standard error in the order in which they arrived. */
export class Shell {
  output = "";
  readonly #child: ChildProcess;
  readonly #closed: Promise<number>;
  #ended = false;

  /** @param terminal Whether it gets a terminal, which echoes typed input, instead of pipes. Default: false. */
  constructor(script: string, { cwd, env }: Surroundings, terminal = false) {
    const bash = ["-c", `exec 2>&1\n${script}`];
    const [command, args] = terminal
      ? ["script", ["--quiet", "--return", "--flush", "--command", script, "/dev/null"]]
      : ["bash", bash];
    this.#child = spawn(command, args, { cwd, env, detached: true, stdio: ["pipe", "pipe", "inherit"] });
    if (!terminal) this.#child.stdin?.end();
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.output += text.replaceAll("\r\n", "\n");
    });
    this.#closed = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code, signal) => {
        this.#ended = true;
        resolve(code ?? (signal === "SIGINT" ? 130 : -1));
      });
    });
  }

  /** The lines that it has printed so far. */
  get lines(): string[] {
    const lines = this.output.split("\n");
    return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
  }

  /** Resolves with its exit code once it has ended; rejects with its output after two minutes. */
  exit(): Promise<number> {
    return within(this.#closed, "a command of the page to end", 120_000).catch((error: unknown) => {
      throw new Error(`${error}; it printed:\n${this.output}`);
    });
  }

  /** Waits for a condition on its output; rejects if it ends before that, or after a minute. */
  async shows(what: string, condition: (shell: Shell) => boolean): Promise<void> {
    const met = await until(what, () => condition(this) || this.#ended, 60_000).catch((error: unknown) => {
      throw new Error(`${error}; it printed:\n${this.output}`);
    });
    if (!met || !condition(this)) throw new Error(`it ended before it showed ${what}; it printed:\n${this.output}`);
  }

  /** Types a line, or presses Ctrl-C. */
  type(line: string): void {
    this.#child.stdin?.write(line === "Ctrl-C" ? CTRL_C : `${line}\n`);
  }

  /** Interrupts it unless it has ended, waits for its end, and kills what is left of its processes. */
  async stop(): Promise<void> {
    if (!this.#ended) this.#signal("SIGINT");
    try {
      await within(this.#closed, "a program of the page to end after Ctrl-C", 20_000);
    } catch (error) {
      throw new Error(`${error}; it printed:\n${this.output}`);
    } finally {
      this.#signal("SIGKILL");
    }
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-(this.#child.pid ?? 0), signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // No process is left.
    }
  }
}
