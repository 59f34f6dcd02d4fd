/**
 * What was measured on.
 * @module
 */
import { spawnSync } from "node:child_process";
import { arch, availableParallelism, cpus, release, totalmem } from "node:os";
import process from "node:process";
import { ROOT } from "../lib/install.mjs";

/** The machine, and the commit that was measured. */
export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGib: number;
  readonly system: string;
  readonly node: string;
  /** The commit, with a `+` behind it where files differ from it. */
  readonly commit: string;
}

/** Looks around. */
export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    processors: availableParallelism(),
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    system: `Linux ${release()} ${arch()}`,
    node: process.versions.node,
    commit: git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "--", "src", "mod.ts") ? "+" : ""),
  };
}

function git(...args: string[]): string {
  const { stdout } = spawnSync("git", args, { cwd: ROOT, encoding: "utf8" });
  return stdout?.trim() ?? "";
}
