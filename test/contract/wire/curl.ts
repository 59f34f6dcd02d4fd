/** The curl recipes in sections 4 and 5 of the wire contract, run with the real curl. */
import assert from "node:assert/strict";
import { numberedLines, sha256 } from "../../fixture/bytes.ts";
import { Program, run } from "../../fixture/processes.ts";
import { until, within } from "../../fixture/until.ts";
import type { Target } from "./target.ts";
import { type Cases, section } from "./wire.ts";

export function curlSection(target: Target): void {
  section(
    target,
    "4 and 5 with curl",
    withCurl({
      "curl -N is a follower": async (wire) => {
        const appender = await wire.appender("a.txt");
        const curl = new Program("curl", ["-sN", wire.url("a.txt", "verb=FOLLOW")]);
        await appender.send("first line\n");
        assert.equal(String(await curl.stdout.atLeast(11)), "first line\n");
        await appender.send("second line\n");
        await appender.finish();
        assert.deepEqual(await within(curl.exited, "curl to end"), { code: 0, signal: null });
        assert.equal(String(curl.stdout.bytes()), "first line\nsecond line\n");
      },

      "some-command | curl -T - is an appender": async (wire) => {
        const curl = new Program("curl", ["-sSf", "-T", "-", wire.url("a.txt", "verb=APPEND")]);
        await curl.write("first line\n");
        await until("the first line", async () => (await wire.get("a.txt")).text === "first line\n");
        const follower = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW") });
        assert.equal(String(await follower.body.atLeast(11)), "first line\n");
        await curl.write("second line\n");
        await follower.body.atLeast(23);
        curl.endInput();
        assert.deepEqual(await within(curl.exited, "curl to end"), { code: 0, signal: null }, curl.output);
        assert.equal(String(await follower.body.all()), "first line\nsecond line\n");
      },

      "curl -T of a large input": async (wire) => {
        const bytes = numberedLines(6_000_000);
        const curl = await run("curl", ["-sSf", "-T", "-", wire.url("a.txt", "verb=APPEND")], bytes);
        assert.equal(curl.exit.code, 0, curl.output);
        assert.equal(sha256(await wire.stored("a.txt")), sha256(bytes));
      },

      "curl -T - on a path that is taken fails with 403, however much it has to send": async (wire) => {
        const appender = await wire.appender("a.txt");
        for (const body of ["intruder", numberedLines(8_000_000)]) {
          const args = ["-s", "-w", "%{http_code}", "-T", "-", wire.url("a.txt", "verb=APPEND")];
          assert.match((await run("curl", args, body)).output, /403$/);
        }
        await appender.send("mine");
        await appender.finish();
        assert.equal(String(await wire.stored("a.txt")), "mine");
      },

      "curl continues a download": async (wire) => {
        await wire.put("a.txt", "0123456789");
        const curl = await run("curl", ["-s", "-r", "4-", wire.url("a.txt")]);
        assert.equal(String(curl.stdout.bytes()), "456789");
      },
    }),
  );
}

/** Wraps the cases so that they are skipped if curl is not installed. */
function withCurl(cases: Cases): Cases {
  const missing = run("curl", ["--version"]).then(({ exit }) => exit.code !== 0);
  const guarded = Object.entries(cases).map(([name, body]): [string, Cases[string]] => [
    name,
    async (wire) => ((await missing) ? wire.skip("curl is not installed") : await body(wire)),
  ]);
  return Object.fromEntries(guarded);
}
