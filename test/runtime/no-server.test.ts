/** Requests to an app without a server, as in the tests of a host app, on each runtime. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import { executable, RUNTIMES, run, scriptArguments } from "../fixture/processes.ts";

for (const runtime of RUNTIMES) {
  it(`requests without a server, on ${runtime}`, async () => {
    const script = join("test", "fixture", "no-server.ts");
    const program = await run(await executable(runtime), scriptArguments(runtime, script));
    assert.equal(program.output, "200 200 hello 200 hello\n503 restarting\n");
    assert.equal(program.exit.code, 0);
  });
}
