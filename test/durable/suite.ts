/**
 * Runs the public conformance suite of Durable Streams against a server, and reports each of its cases as a test.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import type { TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** Cases of the suite, with subscriptions. */
const MIN_CASES = 338;

/** Milliseconds of a long-poll. Vitest gives each case five seconds, and some wait for the end of one. */
export const LONG_POLL_MS = 1_000;

/** A case, as Vitest reports it. */
interface Case {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

/**
 * Runs the suite.
 *
 * @param name Names the server.
 * @param start Starts the server. The suite asks for paths below `/v1/stream/`.
 */
export function conformance(name: string, start: () => Promise<TestServer>): void {
  describe(`the conformance suite of Durable Streams, ${name}`, () => {
    let cases: readonly Case[] = [];
    let output = "";
    let server: TestServer | undefined;

    before(async () => {
      server = await start();
      ({ cases, output } = await run(server.url));
    });
    after(async () => {
      await server?.stop();
    });

    it("runs all cases, and each passes", async (t) => {
      const ran = cases.filter(({ status }) => status === "passed" || status === "failed");
      assert.ok(ran.length >= MIN_CASES, `only ${ran.length} cases ran\n${output.slice(-4_000)}`);
      for (const { fullName, status, failureMessages } of ran) {
        await t.test(fullName, () => assert.equal(status, "passed", [...failureMessages, causesIn(output)].join("\n")));
      }
    });
  });
}

/** What the suite prints about its failures: only this has the causes of the errors. */
function causesIn(output: string): string {
  const at = output.indexOf("Failed Tests");
  return at === -1 ? "" : output.slice(at, at + 8_000);
}

async function run(url: string): Promise<{ cases: readonly Case[]; output: string }> {
  const folder = await temporaryFolder("durable");
  try {
    const report = join(folder, "report.json");
    const vitest = join("node_modules", "vitest", "vitest.mjs");
    const options = [
      "--root",
      ".",
      "--config",
      "test/durable/vitest.config.ts",
      "--reporter=json",
      "--reporter=default",
    ];
    const child = spawn(process.execPath, [vitest, "run", ...options, `--outputFile.json=${report}`], {
      env: { ...process.env, CONFORMANCE_TEST_URL: url },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
    await once(child, "close");
    const { testResults } = JSON.parse(readFileSync(report, "utf8")) as { testResults: { assertionResults: Case[] }[] };
    return { cases: testResults.flatMap(({ assertionResults }) => assertionResults), output };
  } finally {
    await removeFolder(folder);
  }
}
