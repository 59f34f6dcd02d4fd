/** The command `npm run client-suite`, with a checkout that has a suite of one case. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { RUNTIMES, run } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** A suite that imports what the real one imports, and uses its server and the faults in the same way. */
const RUNNER = `
import { stream } from "@durable-streams/client";
import { DurableStreamTestServer } from "@durable-streams/server";
import YAML from "yaml";
import { PATH } from "./cases.js";

export async function runConformanceTests({ clientAdapter, clientArgs }) {
  const server = new DurableStreamTestServer({ port: 0, longPollTimeout: 100 });
  await server.start();
  const url = server.url + PATH;
  const seen: unknown[] = [];
  try {
    seen.push((await fetch(url, { method: "PUT", headers: { "Content-Type": "text/plain" }, body: "all" })).status);
    const fault = { path: PATH, status: 503, count: 1, retryAfter: 7 };
    const told = await fetch(server.url + "/_test/inject-error", { method: "POST", body: JSON.stringify(fault) });
    seen.push(told.status);
    const struck = await fetch(url);
    seen.push(struck.status, struck.headers.get("retry-after"));
    seen.push(await (await stream({ url, live: false })).text());
    seen.push((await fetch(url + "?offset=now&live=long-poll")).status);
    const cleared = await fetch(server.url + "/_test/inject-error", { method: "DELETE" });
    seen.push(cleared.status, YAML.parse("a: 1").a);
    console.log("seen " + JSON.stringify(seen));
    console.log("adapter " + JSON.stringify([clientAdapter, ...clientArgs]));
  } finally {
    await server.stop();
  }
  const failed = clientAdapter === "failing" ? 1 : 0;
  return { passed: clientAdapter === "none" ? 0 : 1, failed };
}
`;

const SEEN = [201, 200, 503, "7", "all", 204, 200, 1];

describe("npm run client-suite", () => {
  let checkout: string;
  const suite = (...args: string[]): ReturnType<typeof run> =>
    run(process.execPath, ["scripts/run.mjs", "scripts/client-suite/main.ts", ...args]);

  before(async () => {
    checkout = await temporaryFolder("checkout");
    const sources = join(checkout, "packages", "client-conformance-tests", "src");
    await mkdir(join(sources, "adapters"), { recursive: true });
    await mkdir(join(sources, "..", "test-cases"));
    await writeFile(join(sources, "..", "package.json"), '{"type": "module"}');
    await writeFile(join(sources, "runner.ts"), RUNNER);
    await writeFile(join(sources, "cases.ts"), 'export const PATH: string = "/a";');
  });
  after(() => removeFolder(checkout));

  for (const runtime of RUNTIMES) {
    it(`runs the suite with a server on ${runtime}`, async () => {
      const { exit, output } = await suite("--server", runtime, checkout);
      assert.equal(exit.code, 0, output);
      assert.match(output, new RegExp(`^seen ${JSON.stringify(SEEN).replace(/[[\]]/g, "\\$&")}$`, "m"));
      assert.match(output, /^adapter \[".*node","--import",".*loader\.mjs",".*typescript-adapter\.ts"\]$/m);
    });
  }

  it("passes the command of another client on, and fails with the suite", async () => {
    const { exit, output } = await suite(checkout, "--", "failing", "--its", "option");
    assert.match(output, /^adapter \["failing","--its","option"\]$/m);
    assert.equal(exit.code, 1, output);
  });

  it("fails if no case has run", async () => {
    const { exit, output } = await suite(checkout, "--", "none");
    assert.equal(exit.code, 1, output);
  });

  it("says what is wrong with a command line", async () => {
    const missing = await suite(join(checkout, "packages"));
    assert.equal(missing.exit.code, 2, missing.output);
    assert.match(missing.output, /There is no \S+runner\.ts; clone https:\S+, and name its folder\./);
    for (const line of [[], ["--server", "perl", checkout], ["--no-such-option", checkout]]) {
      const { exit, output } = await suite(...line);
      assert.equal(exit.code, 2, output);
      assert.match(output, /See npm run client-suite -- --help\./);
    }
  });
});
