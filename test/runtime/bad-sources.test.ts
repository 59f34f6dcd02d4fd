/** Sources and chunks that no append can take, on each runtime: the append ends, and its path is free. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import { executable, RUNTIMES, run, scriptArguments } from "../fixture/processes.ts";

const CHUNKS = ["negative", "infinite", "bigint", "text", "symbol", "throwing", "fake", "lying"];

const EXPECTED = [
  ...CHUNKS.flatMap((name) => ["local", "client"].map((where) => `${name} ${where} bad_request 1`)),
  "unusable bad_request 1",
  "throwing Error: pipeTo 1",
  "aborted local aborted",
  "aborted client aborted",
  "refused local conflict",
  "refused client conflict",
  "shut down restarting restarting",
];

for (const runtime of RUNTIMES) {
  it(`sources that can't be appended or cancelled, on ${runtime}`, async () => {
    const script = join("test", "fixture", "bad-sources.ts");
    const program = await run(await executable(runtime), scriptArguments(runtime, script));
    assert.deepEqual(program.output.trimEnd().split("\n"), EXPECTED);
    assert.equal(program.exit.code, 0);
  });
}
