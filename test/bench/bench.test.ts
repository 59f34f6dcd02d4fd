/**
 * The benchmark, in its smallest size: does it do all that it is for? How fast anything is, is not asked here.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Results } from "../../scripts/bench/results.ts";
import { PROJECT, Program } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** The loads of the benchmark, by the words that select them. */
const LOADS = ["flood", "paced", "ingest", "catch-up", "memory", "connect", "paths", "join"];

function bench(...args: string[]): Program {
  const script = join(PROJECT, "scripts", "run.mjs");
  return new Program(process.execPath, [script, "scripts/bench/main.ts", "--size", "smoke", ...args]);
}

describe("the benchmark in its smallest size", () => {
  let folder: string;
  let results: Results;
  let program: Program;

  before(async () => {
    folder = await temporaryFolder("bench");
    const files = ["--json", join(folder, "bench.json"), "--svg", join(folder, "bench.svg")];
    program = bench("--peers", "httpfstream", ...files);
    const { code } = await program.exited;
    assert.equal(code, 0, program.output);
    results = JSON.parse(await readFile(join(folder, "bench.json"), "utf8"));
  });
  after(() => removeFolder(folder));

  test("runs every load", () => {
    for (const word of LOADS)
      assert.ok(
        results.loads.some(({ name }) => name.includes(word)),
        word,
      );
  });

  test("loses no byte in any of them", () => {
    for (const { name, rows } of results.loads) {
      assert.deepEqual(
        rows.map(({ peer, samples, failures }) => [peer, samples.length, failures]),
        [["httpfstream", 1, []]],
        name,
      );
    }
  });

  test("measures what it says it measures", () => {
    for (const { name, metrics, rows } of results.loads) {
      for (const { key } of metrics) assert.ok(Number.isFinite(rows[0]?.samples[0]?.[key]), `${name}: ${key}`);
    }
  });

  test("prints a table and draws a chart with every load", async () => {
    const svg = await readFile(join(folder, "bench.svg"), "utf8");
    for (const text of [program.stdout.bytes().toString(), svg]) {
      for (const { title } of results.loads) assert.ok(text.includes(title), title);
    }
  });
});

test("the benchmark compares with what is there, and names what is missing", async () => {
  const ours = ["httpfstream-classic", "httpfstream-http", "httpfstream-deno", "httpfstream-bun"];
  const peers = [...ours, "bare", "nchan", "durable", "bare-read", "sendfile", "cat"];
  const program = bench("--peers", peers.join(","), "--only", "flood-small-few,paced-few,ingest-one,catch-up-http");
  const { code } = await program.exited;
  assert.equal(code, 0, program.output);
  const table = program.stdout.bytes().toString();
  for (const peer of peers)
    assert.match(table, new RegExp(`^  (${peer}  .*\\d|! ${peer}: .* is not installed: )`, "m"));
});

test("says which options and names there are", async () => {
  for (const [args, words] of [
    [["--peers", "nobody"], /no peer "nobody"; there are httpfstream,/],
    [["--only", "nothing"], /The loads are flood-small-few,/],
    [["--rounds", "0"], /--rounds/],
    [["--runtime", "browser"], /node, deno, bun/],
  ] as const) {
    const program = bench(...args);
    const { code } = await program.exited;
    assert.equal(code, 2, program.output);
    assert.match(program.stderr.bytes().toString(), words);
  }
});
