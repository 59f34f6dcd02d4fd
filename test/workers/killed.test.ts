/** A worker that is killed during an append: it is replaced, and no byte is lost. */
import assert from "node:assert/strict";
import process from "node:process";
import { append, type FollowStream, follow } from "../../src/client/mod.ts";
import { all } from "../client/scenarios.ts";
import { sha256 } from "../fixture/bytes.ts";
import { until } from "../fixture/until.ts";
import { content, eventful, isAlive, Workers, workersTest } from "./group.ts";

workersTest(
  "kill -9 of the worker with the append: all followers get every byte once, and it is replaced",
  async (t, runtime) => {
    const workers = await Workers.start(t, runtime, 2);
    const bytes = content(1);
    let open = 0;
    const followers: { readonly stream: FollowStream; readonly got: Promise<Buffer> }[] = [];
    const join = async (): Promise<void> => {
      // Several, so that there are some at both workers.
      for (let count = 0; count < 4; count++) {
        const before = open;
        const stream = follow(workers.url("a.bin"), {
          onState: ({ state }) => {
            if (state === "open") open++;
          },
        });
        followers.push({ stream, got: all(stream) });
        await until("the follow to begin", () => open > before);
      }
    };
    const kill = async (): Promise<void> => {
      const pid = await workers.ownerOf("a.bin");
      process.kill(pid, "SIGKILL");
      await workers.replaced(pid);
    };
    const events = [
      { at: bytes.length * 0.2, run: join },
      { at: bytes.length * 0.5, run: kill },
    ];
    const result = await append(workers.url("a.bin"), eventful(bytes, events));
    assert.deepEqual(result, { bytes: bytes.length, offset: bytes.length });
    assert.equal(sha256(workers.file("a.bin")), sha256(bytes));
    assert.equal(followers.length, 4);
    for (const { stream, got } of followers) {
      assert.equal(sha256(await got), sha256(bytes));
      assert.equal((await stream.ended).offset, bytes.length);
    }
    assert.equal((await workers.pids()).length, 2);
    assert.match(
      workers.server.program.output,
      /worker [12] \(process \d+\) was killed by SIGKILL; another one starts in 0\.1 s/,
    );
  },
);

workersTest("kill -9 of the process that has started them: the workers end in order", async (t, runtime) => {
  const workers = await Workers.start(t, runtime, 2);
  const pids = await workers.pids();
  assert.equal(pids.length, 2);
  await workers.server.kill9();
  for (const pid of pids) await until("the workers to end", () => !isAlive(pid));
});

workersTest("a worker that is suspended is killed when the server ends", async (t, runtime) => {
  const workers = await Workers.start(t, runtime, 2, ["--limit", "shutdownTimeoutMs=100"]);
  const [pid = -1] = await workers.pids();
  process.kill(pid, "SIGSTOP");
  const { code } = await workers.server.program.stop("SIGTERM", 40_000);
  assert.equal(code, 0, workers.server.program.output);
  assert.match(workers.server.program.output, /worker [12] \(process \d+\) has not ended in 10\.1 s, and is killed/);
  assert.ok(!isAlive(pid));
});
