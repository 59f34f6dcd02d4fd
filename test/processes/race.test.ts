/** Many processes claim the same paths at the same time: a path never has two owners. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { executable, Program, RUNTIMES, scriptArguments } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until, within } from "../fixture/until.ts";

const RACER = join("test", "processes", "racer.ts");

/** Claims that each of a process's two lanes attempts. */
const ROUNDS = Number(process.env["HTTPFSTREAM_RACE_ROUNDS"] ?? 250);

test("hundreds of claims by processes on all runtimes, with clean-ups between", { timeout: 240_000 }, async () => {
  const parent = await temporaryFolder("race");
  const root = join(parent, "root");
  const seed = Date.now() % 100_000;
  const racers: Program[] = [];
  for (const [at, runtime] of [...RUNTIMES, "node" as const].entries()) {
    const args = [...scriptArguments(runtime, RACER), root, String(ROUNDS), String(seed + at)];
    racers.push(new Program(await executable(runtime), args));
  }
  try {
    const exits = await Promise.all(racers.map((racer) => within(racer.exited, "a racer to end", 200_000)));
    const said = racers.map((racer) => racer.output).join("");
    assert.deepEqual(
      exits.map(({ code }) => code),
      exits.map(() => 0),
      `seed ${seed}: ${said}`,
    );
    const wins = racers.map((racer) => Number(/won (\d+)/.exec(racer.output)?.[1]));
    const stored = ["a", "b", "c"].map((path) => readFileSync(join(root, path), "utf8")).join("");
    // Every win has stored its two bytes together, and there are no other bytes.
    assert.match(stored, /^(xy)+$/);
    assert.equal(stored.length, 2 * wins.reduce((sum, count) => sum + count, 0));
    assert.ok(Math.min(...wins) > 0, `one process never won: ${wins.join(", ")}`);
    await until("the reserved folder to be empty", () => filesBelow(join(root, ".httpfstream")).length === 0);
  } finally {
    for (const racer of racers) await racer.stop("SIGKILL");
    await removeFolder(parent);
  }
});

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  // The records of paths stay.
  return files.filter((file) => !file.startsWith(join(folder, "streams")));
}
