/**
 * How to start this program again, as a worker.
 * @module
 */
import process from "node:process";

/** What to start. */
export interface ProgramToStart {
  /** The script, or on Deno the URL of the main module. */
  readonly exec: string;
  readonly args: readonly string[];
}

/**
 * Under this symbol, a script that loads the program into its own process leaves its own path, and the arguments before
 * those of the program. `scripts/run.mjs` is such a script.
 */
const LAUNCHER = Symbol.for("httpfstream.launcher");

/**
 * The program that runs now, with its arguments: `mod.ts` with `npm start`, `bun` or `deno run`, or an installed command.
 *
 * @example
 * ```ts
 * cluster.setupPrimary({ exec, args: [...args] });
 * ```
 */
export function thisProgram(): ProgramToStart {
  const args = process.argv.slice(2);
  const { [LAUNCHER]: launcher, Deno } = globalThis as {
    [LAUNCHER]?: readonly string[];
    Deno?: { readonly mainModule: string };
  };
  if (launcher?.[0] !== undefined) return { exec: launcher[0], args: [...launcher.slice(1), ...args] };
  // A module that Deno has loaded from a registry or a server has no path.
  if (Deno && !Deno.mainModule.startsWith("file:")) return { exec: Deno.mainModule, args };
  return { exec: process.argv[1] ?? "", args };
}
