/** Workers that are replaced or ended on request. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join as pathTo } from "node:path";
import process from "node:process";
import { append, follow } from "../../src/client/mod.ts";
import { all } from "../client/scenarios.ts";
import { sha256 } from "../fixture/bytes.ts";
import { samplesOf } from "../fixture/metrics.ts";
import { executable, Program, scriptArguments } from "../fixture/processes.ts";
import { until } from "../fixture/until.ts";
import { V1Peer } from "../fixture/v1.ts";
import { content, eventful, isAlive, Workers, workersTest } from "./group.ts";

workersTest("SIGUSR2 during an append replaces all workers, and no byte is lost", async (t, runtime) => {
  const workers = await Workers.start(t, runtime, 2);
  const before = await workers.pids();
  const bytes = content(2);
  const followed: Promise<Buffer>[] = [];
  const join = async (): Promise<void> => {
    const begun = new Promise<void>((resolve) => {
      const onState = ({ state }: { state: string }): void => void (state === "open" && resolve());
      followed.push(all(follow(workers.url("a.bin"), { onState })));
    });
    await begun;
  };
  const roll = async (): Promise<void> => {
    workers.server.program.child.kill("SIGUSR2");
    await workers.server.program.printed(/^all workers were replaced$/m);
  };
  const events = [
    { at: bytes.length * 0.1, run: join },
    { at: bytes.length * 0.2, run: join },
    { at: bytes.length * 0.5, run: roll },
  ];
  const result = await append(workers.url("a.bin"), eventful(bytes, events));
  assert.deepEqual(result, { bytes: bytes.length, offset: bytes.length });
  assert.equal(sha256(workers.file("a.bin")), sha256(bytes));
  for (const got of followed) assert.equal(sha256(await got), sha256(bytes));
  const after = await workers.pids();
  assert.equal(after.length, 2);
  assert.ok(after.every((pid) => !before.includes(pid)));
  assert.ok(before.every((pid) => !isAlive(pid)));
});

workersTest("SIGUSR2 to a worker does nothing: it may go to all processes of the program", async (t, runtime) => {
  const workers = await Workers.start(t, runtime, 2);
  const before = await workers.pids();
  for (const pid of before) process.kill(pid, "SIGUSR2");
  // The program replaces them, and says so, only because it gets the signal as well.
  workers.server.program.child.kill("SIGUSR2");
  await workers.server.program.printed(/^all workers were replaced$/m);
  assert.doesNotMatch(workers.server.program.output, /was killed by SIGUSR2/);
});

workersTest("SIGTERM drains all workers, and leaves nothing behind", async (t, runtime) => {
  const workers = await Workers.start(t, runtime, 2);
  const pids = await workers.pids();
  const appender = await V1Peer.open(workers.server.url, { target: "/a.txt?verb=APPEND" });
  await appender.control("start");
  await appender.send("stored");
  await appender.acked(6);
  const followers = await Promise.all(
    [1, 2, 3, 4].map(() => V1Peer.open(workers.server.url, { target: "/a.txt?verb=FOLLOW" })),
  );
  for (const follower of followers) await follower.dataAtLeast(6);
  assert.deepEqual(await workers.server.program.stop(), { code: 0, signal: null });
  for (const peer of [appender, ...followers]) assert.equal((await peer.closed()).code, 1012);
  assert.ok(pids.every((pid) => !isAlive(pid)));
  assert.equal(workers.file("a.txt").toString(), "stored");
  const reserved = (name: string): string[] => readdirSync(pathTo(workers.server.root, ".httpfstream", name));
  for (const name of ["leases", "servers", "groups", "sockets"]) assert.deepEqual(reserved(name), [], name);
});

workersTest("a worker that can't start ends the command with what it says", async (t, runtime) => {
  const first = await Workers.start(t, runtime, 1);
  const { port } = new URL(first.server.url);
  const args = [...scriptArguments(runtime, "mod.ts"), "serve", "--root", first.server.root, "--workers", "2"];
  const second = new Program(await executable(runtime), [...args, "--http", `127.0.0.1:${port}`]);
  assert.equal((await second.exited).code, 1);
  assert.equal(second.output.match(/Can't listen on 127\.0\.0\.1, port \d+/g)?.length, 1, second.output);
});

workersTest("one listener has the metrics of all workers, also of those that have ended", async (t, runtime) => {
  const workers = await Workers.start(t, runtime, 2);
  for (let count = 0; count < 6; count++) {
    await append(workers.url(`${count}.txt`), "12345");
  }
  const samples = async (): Promise<Map<string, number>> =>
    samplesOf(await (await fetch(`${workers.admin}/metrics`)).text());
  const stored = async (): Promise<number | undefined> => (await samples()).get("httpfstream_append_bytes_total");
  assert.equal(await stored(), 30);
  assert.equal((await samples()).get("httpfstream_workers"), 2);
  workers.server.program.child.kill("SIGUSR2");
  await workers.server.program.printed(/^all workers were replaced$/m);
  assert.equal(await stored(), 30);
  const [pid = -1] = await workers.pids();
  process.kill(pid, "SIGKILL");
  await workers.replaced(pid);
  assert.equal(await stored(), 30);
  assert.equal((await samples()).get("httpfstream_worker_deaths_total"), 1);
  assert.deepEqual(await fetch(`${workers.admin}/readyz`).then(({ status }) => status), 200);
  await until("both to serve", async () => (await samples()).get("httpfstream_workers") === 2);
});
