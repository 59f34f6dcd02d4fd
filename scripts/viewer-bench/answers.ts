/**
 * Measures the answers of the server about a whole log, beside programs with the same answers.
 * @module
 */
import { spawnSync } from "node:child_process";
import { linkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ABSENT } from "./log-file.ts";
import type { Log, Numbers } from "./measure.ts";

/** Asks for the counts of lines, twice, and for a text that is not there. The times are in milliseconds per GB. */
export async function answers(server: string, folder: string, log: Log): Promise<Numbers> {
  const name = `count-${log.name}`;
  const file = join(folder, name);
  linkSync(join(folder, log.name), file);
  const perGb = 1e9 / log.bytes;
  try {
    // So that all of them find it in memory.
    const lines = Number.parseInt(run("wc", "-l", file).output, 10);
    const ask = async (query: string): Promise<{ text: string; ms: number }> => {
      const start = performance.now();
      const response = await fetch(`${server}/logs/${name}?${query}`);
      const text = await response.text();
      if (!response.ok) throw new Error(`?${query}: ${response.status} ${text}`);
      return { text, ms: performance.now() - start };
    };
    const cold = await ask("lines");
    const warm = await ask("lines");
    const { counts } = JSON.parse(cold.text) as { counts: number[] };
    const counted = counts.reduce((sum, count) => sum + count, 0);
    if (counted !== lines) throw new Error(`?lines has counted ${counted} lines, and wc -l ${lines}`);
    const search = await ask(`search=${encodeURIComponent(ABSENT)}`);
    if (!/^\{"next":\d+,"limited":false,.*\}\n$/.test(search.text)) {
      throw new Error(`?search has found "${ABSENT}", or has not ended: ${search.text.slice(0, 200)}`);
    }
    return {
      ...{ lines: cold.ms * perGb, again: warm.ms * perGb, search: search.ms * perGb },
      ...{ wc: run("wc", "-l", file).ms * perGb, grep: run("grep", "-cF", ABSENT, file).ms * perGb },
    };
  } finally {
    rmSync(file);
  }
}

function run(program: string, ...args: string[]): { readonly output: string; readonly ms: number } {
  const start = performance.now();
  const { stdout, error } = spawnSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (error) throw error;
  return { output: stdout, ms: performance.now() - start };
}
