/**
 * Describes the machine on which the benchmark runs.
 * @module
 */
import { spawnSync } from "node:child_process";
import { arch, availableParallelism, cpus, release, tmpdir, totalmem } from "node:os";
import process from "node:process";
import { ROOT } from "../lib/install.mjs";

/** The machine, and the commit that was measured. */
export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGib: number;
  readonly system: string;
  readonly node: string;
  /** The file system that the servers store on. */
  readonly storage: string;
  /** The short hash of the commit, followed by `+` if measured files differ from it. */
  readonly commit: string;
}

/** The files on which a measurement depends. */
const MEASURED = ["src", "mod.ts", "package-lock.json", "scripts/bench"];

/** Collects the description. */
export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    processors: availableParallelism(),
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    system: `Linux ${release()} ${arch()}`,
    node: process.versions.node,
    storage: output("stat", "--file-system", "--format=%T", tmpdir()),
    commit:
      output("git", "rev-parse", "--short", "HEAD") +
      (output("git", "status", "--porcelain", "--", ...MEASURED) && "+"),
  };
}

/** Returns the output of a program, or an empty string if it can't be run. */
function output(program: string, ...args: string[]): string {
  const { stdout } = spawnSync(program, args, { cwd: ROOT, encoding: "utf8" });
  return stdout?.trim() ?? "";
}
