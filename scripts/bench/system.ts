/** The operating system: the end of child processes, and a description of the machine. @module */
import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { arch, availableParallelism, cpus, release, tmpdir, totalmem } from "node:os";
import process from "node:process";
import { ROOT } from "../lib/install.mjs";

export function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

/** Ends a process with a signal, or with SIGKILL if that takes 15 seconds. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!isRunning(child)) return;
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  child.kill(signal);
  await once(child, "close");
  clearTimeout(timer);
}

/** The machine with its memory in GiB, the file system of the servers, and the commit. */
export type Machine = ReturnType<typeof describeMachine>;

/** Returns the description. The commit ends with `+` if measured files differ from it. */
export function describeMachine() {
  const output = (program: string, ...args: string[]): string =>
    spawnSync(program, args, { cwd: ROOT, encoding: "utf8" }).stdout?.trim() ?? "";
  const isChanged =
    output("git", "status", "--porcelain", "--", "src", "mod.ts", "package-lock.json", "scripts") !== "";
  return {
    processor: cpus()[0]?.model ?? "unknown",
    processors: availableParallelism(),
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    system: `Linux ${release()} ${arch()}`,
    node: process.versions.node,
    storage: output("stat", "--file-system", "--format=%T", tmpdir()),
    commit: output("git", "rev-parse", "--short", "HEAD") + (isChanged ? "+" : ""),
  };
}
