/**
 * The benchmark of the viewer in its smallest size: it measures each candidate, and says what it skips. These tests do not
 * judge the results.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { METRICS, PARTS, type Part } from "../../scripts/viewer-bench/metrics.ts";
import { percentile } from "../../scripts/viewer-bench/percentile.ts";
import { asMarkdown } from "../../scripts/viewer-bench/report.ts";
import type { Results } from "../../scripts/viewer-bench/run.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { PROJECT, Program } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** Starts the benchmark in its smallest size. */
function bench(args: readonly string[], env: Record<string, string> = {}): Program {
  const script = join(PROJECT, "scripts", "run.mjs");
  const command = [script, "scripts/viewer-bench/main.ts", "--size", "smoke", ...args];
  return new Program(process.execPath, command, { env });
}

describe("the benchmark of the viewer", () => {
  let folder: string;
  before(async () => {
    folder = await temporaryFolder("viewer-bench");
  });
  after(() => removeFolder(folder));

  test("measures each candidate, and has a number for each column", { skip: NO_CHROMIUM }, async () => {
    const file = join(folder, "results.json");
    const program = bench(["--browser", "chromium", "--json", file]);
    const { code } = await program.exited;
    assert.equal(code, 0, program.output);
    const results = JSON.parse(readFileSync(file, "utf8")) as Results;
    const measured = results.rows.map(({ part, candidate }) => `${part} ${candidate}`.trim());
    const others = ["pre", "react"].flatMap((name) => [`read ${name}`, `follow ${name}`]);
    const ours = ["read", "read", "follow", "link"].map((part) => `${part} httpfstream`);
    assert.deepEqual(measured.sort(), [...ours, ...others, "answers"].sort());
    // What others can't do on a busy machine is a result.
    const sound = results.rows.filter(({ failures }) => failures.length === 0);
    for (const row of results.rows) if (!/pre|react/.test(row.candidate)) assert.deepEqual(row.failures, [], row.part);
    assert.ok(
      sound.some(({ candidate }) => candidate === "pre") && sound.some(({ candidate }) => candidate === "react"),
    );
    for (const part of PARTS) {
      for (const cells of tableOf({ ...results, rows: sound }, part)) {
        assert.equal(cells.length, METRICS[part].length + 1);
        for (const cell of cells) assert.doesNotMatch(cell, /–|NaN|failed|^$/, `${part}: ${cells.join(" | ")}`);
      }
    }
    for (const { title } of Object.values(METRICS).flat()) assert.ok(program.output.includes(title), title);
  });

  test("says that a browser is not installed, and has the answers of the server all the same", async () => {
    const programs = join(folder, "programs");
    mkdirSync(programs);
    for (const name of ["wc", "grep", "git", "stat"]) symlinkSync(programOf(name), join(programs, name));
    const program = bench(["--browser", "firefox"], { PATH: programs });
    const { code } = await program.exited;
    assert.equal(code, 0, program.output);
    assert.match(program.output, /^firefox is not installed, and is skipped$/m);
    const printed = program.stdout.bytes().toString();
    assert.match(printed, /no firefox, which is not installed;/);
    assert.match(printed, /^Answers about the largest log/m);
  });

  test("names the candidates to someone who asks for another one", async () => {
    const program = bench(["--only", "xterm"]);
    assert.equal((await program.exited).code, 2);
    assert.match(program.output, /--only is one of httpfstream, pre, react, not "xterm"/);
  });

  test("takes a percentile from the values themselves", () => {
    assert.equal(percentile([5, 1, 4, 2, 3], 50), 3);
    assert.equal(percentile([5, 1, 4, 2, 3], 95), 5);
    assert.equal(percentile([7], 50), 7);
    assert.ok(Number.isNaN(percentile([], 50)));
  });
});

/** The cells of the rows of a table, without its heading. */
function tableOf(results: Results, part: Part): string[][] {
  const text = asMarkdown({ ...results, rows: results.rows.filter((row) => row.part === part) });
  const [, , ...rows] = text.split("\n").filter((line) => line.startsWith("|"));
  return rows.map((row) => row.split("|").slice(1, -1)).map((cells) => cells.map((cell) => cell.trim()));
}

/** The file of a program. */
function programOf(name: string): string {
  const files = (process.env["PATH"] ?? "").split(delimiter).map((place) => join(place, name));
  const found = files.find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${name} is not installed.`);
  return found;
}
