/**
 * Copies files with `cat`, as a baseline for the disk and the kernel.
 * @module
 */
import { spawn } from "node:child_process";

/** Measures the seconds that `cat FROM > TO` takes; without a target, the output goes through a pipe to /dev/null. */
export async function secondsOfCat(from: string, to?: string): Promise<number> {
  const command = to === undefined ? 'cat "$0" | cat > /dev/null' : 'cat "$0" > "$1"';
  const began = performance.now();
  const status = await new Promise<number | null>((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", command, from, ...(to === undefined ? [] : [to])], { stdio: "ignore" });
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (status !== 0) throw new Error(`${command} failed with status ${status}.`);
  return (performance.now() - began) / 1000;
}
