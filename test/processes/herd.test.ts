/** A restart of a server with a thousand followers: it disconnects them, and they reconnect spread over time. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openAppend } from "../../src/client/mod.ts";
import { numberedLines, sha256 } from "../fixture/bytes.ts";
import { PROJECT, Program, scriptArguments } from "../fixture/processes.ts";
import { until } from "../fixture/until.ts";
import { clusterTest } from "./cluster.ts";
import type { HerdReport } from "./herd-followers.ts";

const PROCESSES = 2;
/** Per process. */
const FOLLOWERS = 500;

/** Timeout for a thousand connections on a busy machine, in milliseconds. */
const PATIENCE_MS = 100_000;

/** The server's shutdown timeout in milliseconds; on a loaded machine a thousand closes take half of it. */
const GOODBYE_MS = 12_000;

clusterTest("SIGTERM: a thousand followers reconnect, and each gets all bytes and the end", async (cluster) => {
  const bytes = numberedLines(30_000);
  // A busy machine answers close frames late; the server must not cut off a follower for that.
  const server = await cluster.start({ shutdownTimeoutMs: GOODBYE_MS });
  const url = `${server.url}/a.txt`;
  const appender = (await openAppend(url)).getWriter();
  await appender.write(bytes.subarray(0, 10_000));
  const script = join(PROJECT, "test", "processes", "herd-followers.ts");
  const args = [...scriptArguments("node", script), url, String(FOLLOWERS)];
  const herds = Array.from({ length: PROCESSES }, () => new Program(process.execPath, args));
  const open = (times: number): Promise<unknown> =>
    Promise.all(herds.map((herd) => until(`all to be open ${times} times`, () => opened(herd) >= times, PATIENCE_MS)));
  try {
    await open(1);
    await appender.write(bytes.subarray(10_000, 20_000));
    assert.deepEqual(await server.process.program.stop("SIGTERM", GOODBYE_MS + 15_000), { code: 0, signal: null });
    const again = await cluster.start({}, { port: server.port });
    assert.equal(again.port, server.port);
    await open(2);
    await appender.write(bytes.subarray(20_000));
    await appender.close();
    for (const herd of herds) {
      assert.deepEqual(await herd.exited, { code: 0, signal: null }, herd.output);
      const { ends, got, causes, delaysMs } = JSON.parse(lastLine(herd)) as HerdReport;
      assert.deepEqual(ends, { complete: FOLLOWERS });
      assert.deepEqual(got, { [sha256(bytes)]: FOLLOWERS });
      assert.deepEqual(causes, { restarting: FOLLOWERS }, "1012 is what sent them away");
      expectSpread(delaysMs);
    }
    assert.equal(sha256(cluster.file("a.txt")), sha256(bytes));
  } finally {
    for (const herd of herds) await herd.stop("SIGKILL");
  }
});

/** Expects the reconnects evenly spread over two seconds: about as many in each tenth as in any other. */
function expectSpread(delaysMs: readonly number[]): void {
  const tenths = Array.from({ length: 10 }, (_, tenth) => {
    return delaysMs.filter((delay) => Math.floor(delay / 200) === tenth).length;
  });
  // A quarter of the expected number is five standard deviations away.
  assert.ok(Math.min(...tenths) > FOLLOWERS / 40, `in each tenth of the time: ${tenths.join(" ")}`);
}

function opened(herd: Program): number {
  return herd.stdout.bytes().toString().split("all open").length - 1;
}

function lastLine(herd: Program): string {
  return herd.stdout.bytes().toString().trimEnd().split("\n").at(-1) ?? "";
}
