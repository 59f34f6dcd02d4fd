/**
 * An interrupted benchmark prints the results that it has so far.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { PROJECT, Program } from "../fixture/processes.ts";

test("an interrupted benchmark prints its results so far", async () => {
  const script = join(PROJECT, "scripts", "bench", "main.ts");
  const options = ["--size", "smoke", "--peers", "httpfstream", "--only", "ingest", "--rounds", "1000"];
  const program = new Program(process.execPath, ["--import", "tsx", script, ...options]);
  await program.printed(/^round 1\/1000 {2}ingest-many/m);
  const { code } = await program.stop("SIGINT");
  assert.equal(code, 0, program.output);
  assert.match(program.stdout.bytes().toString(), /^ingest-many: .*\n.*\n {2}httpfstream .*MiB\/s/m);
});
