/**
 * The benchmark in its smallest size.
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { PROJECT, Program } from "../fixture/processes.ts";

/** Starts the benchmark in its smallest size. */
export function bench(...args: string[]): Program {
  const script = join(PROJECT, "scripts", "run.mjs");
  return new Program(process.execPath, [script, "scripts/bench/main.ts", "--size", "smoke", ...args]);
}
