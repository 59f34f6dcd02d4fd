/** Which workers are started and ended, and when. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { BackOff } from "../../src/cli/serve/workers/back-off.ts";
import type { MetricsSnapshot } from "../../src/cli/serve/workers/messages.ts";
import { WorkerGroup } from "../../src/cli/serve/workers/worker-group.ts";
import type { ProcessEnd, RunningWorker } from "../../src/cli/serve/workers/worker-process.ts";

/** A worker that does what the test says. */
class FakeWorker implements RunningWorker {
  readonly number: number;
  readonly pid: number;
  readonly port: number | undefined;
  readonly ready: Promise<number | undefined>;
  readonly ended: Promise<ProcessEnd>;
  metrics: MetricsSnapshot | undefined;
  measured: () => void = () => {};
  readonly signals: string[] = [];
  isLeaving = false;
  readySinceMs: number | undefined;
  setReady: (port?: number) => void = () => {};
  end: (code?: number | null, signal?: string | null) => void = () => {};

  constructor(number: number, pid: number, port: number | undefined) {
    this.number = number;
    this.pid = pid;
    this.port = port;
    this.ended = new Promise((resolve) => {
      this.end = (code = 0, signal = null) => {
        this.readySinceMs = undefined;
        resolve({ code, signal });
      };
    });
    this.ready = new Promise((resolve) => {
      this.setReady = (at = 8080) => {
        this.readySinceMs = performance.now();
        resolve(at);
      };
      void this.ended.then(() => resolve(undefined));
    });
  }

  stop(signal: NodeJS.Signals): void {
    this.isLeaving = true;
    this.signals.push(signal);
  }

  kill(): void {
    this.stop("SIGKILL");
  }

  measure(): Promise<void> {
    return new Promise((resolve) => {
      this.measured = resolve;
      void this.ended.then(() => resolve());
    });
  }
}

function groupOf(t: TestContext, count: number, sharesListener = false) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const forked: FakeWorker[] = [];
  const lines: string[] = [];
  /** Why no process can be started. */
  const refusal = { words: "" };
  const last: MetricsSnapshot[] = [];
  const group = new WorkerGroup({
    count,
    fork: (number, port) => {
      if (refusal.words) throw new Error(refusal.words);
      const worker = new FakeWorker(number, 100 + forked.length, port);
      forked.push(worker);
      return worker;
    },
    sharesListener,
    endMs: 13_000,
    announce: (line) => lines.push(line),
    onLastMetrics: (metrics) => last.push(metrics),
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  };
  const started = async (): Promise<void> => {
    const starting = group.start();
    for (let at = 0; at < count; at++) {
      await settle();
      forked[at]?.setReady();
    }
    assert.equal(await starting, 8080);
  };
  const pass = async (ms: number): Promise<void> => {
    t.mock.timers.tick(ms);
    await settle();
  };
  return { group, refusal, forked, lines, last, settle, started, pass };
}

test("the first worker starts alone, and the others listen where it does", async (t) => {
  const { group, forked, settle } = groupOf(t, 3);
  const starting = group.start();
  await settle();
  assert.equal(forked.length, 1);
  forked[0]?.setReady(1234);
  await settle();
  assert.deepEqual(
    forked.map(({ number, port }) => [number, port]),
    [
      [1, undefined],
      [2, 1234],
      [3, 1234],
    ],
  );
  for (const worker of forked.slice(1)) worker.setReady();
  assert.equal(await starting, 1234);
  assert.equal(group.ready.length, 3);
});

test("workers that share a listener are told the same, and the port once the listener has gone", async (t) => {
  const { group, forked, started, settle, pass } = groupOf(t, 2, true);
  await started();
  forked[0]?.end(null, "SIGKILL");
  await settle();
  await pass(100);
  assert.equal(forked[2]?.port, undefined, "the other one has the listener");
  forked[1]?.end(null, "SIGKILL");
  forked[2]?.end(null, "SIGKILL");
  await settle();
  await pass(1_000);
  assert.equal(forked[3]?.port, 8080);
  forked[3]?.setReady(8080);
  await settle();
  await pass(10_000);
  assert.equal(forked[4]?.port, 8080);
  assert.equal(group.deaths, 3, "the third one never served");
});

test("a worker that can't start ends all", async (t) => {
  const { group, forked, settle } = groupOf(t, 2);
  const starting = group.start();
  await settle();
  forked[0]?.setReady();
  await settle();
  forked[1]?.end(1);
  await settle();
  assert.deepEqual(forked[0]?.signals, ["SIGTERM"]);
  forked[0]?.end();
  assert.deepEqual(await starting, { code: 1, signal: null });
});

test("a dead worker is replaced, each time after a longer pause", async (t) => {
  const { group, forked, lines, settle, started, pass } = groupOf(t, 2);
  await started();
  forked[1]?.end(null, "SIGKILL");
  await settle();
  assert.deepEqual([group.ready.length, group.deaths, forked.length], [1, 1, 2]);
  assert.deepEqual(lines, ["worker 2 (process 101) was killed by SIGKILL; another one starts in 0.1 s"]);
  await pass(99);
  assert.equal(forked.length, 2);
  await pass(1);
  assert.equal(forked.length, 3);
  forked[2]?.end(1);
  await settle();
  assert.equal(lines.at(-1), "worker 2 has ended with code 1 before it served; another one starts in 0.2 s");
  await pass(200);
  forked[3]?.setReady();
  await settle();
  assert.equal(lines.at(-1), "worker 2 (process 103) serves in place of process 101");
  assert.equal(group.ready.length, 2);
  forked[3]?.end(0);
  await settle();
  assert.equal(lines.at(-1), "worker 2 (process 103) has ended with code 0; another one starts in 0.4 s");
});

test("a worker for which the system has no room is tried again, and never ends the others", async (t) => {
  const { group, refusal, forked, lines, settle, started, pass } = groupOf(t, 2);
  await started();
  refusal.words = "spawn ENOMEM";
  forked[1]?.end(null, "SIGKILL");
  await settle();
  await pass(100);
  assert.deepEqual(lines.slice(-2), [
    "worker 2 can't be started: spawn ENOMEM",
    "worker 2 has ended with code 1 before it served; another one starts in 0.2 s",
  ]);
  await group.roll();
  assert.equal(group.ready.length, 1);
  refusal.words = "";
  await pass(200);
  forked[2]?.setReady();
  await settle();
  assert.deepEqual([group.ready.length, group.deaths], [2, 3]);
});

test("all are replaced one after the other, each once the next one listens", async (t) => {
  const { group, forked, lines, settle, started } = groupOf(t, 2);
  await started();
  const rolling = group.roll();
  await settle();
  assert.deepEqual([forked.length, forked[0]?.signals], [3, []]);
  forked[2]?.setReady();
  await settle();
  assert.deepEqual([forked.length, forked[0]?.signals, forked[1]?.signals], [3, ["SIGTERM"], []]);
  forked[0]?.end();
  await settle();
  forked[3]?.setReady();
  await settle();
  forked[1]?.end();
  await rolling;
  assert.deepEqual(lines, ["the workers are replaced, one after the other", "all workers were replaced"]);
  assert.deepEqual([group.ready.map(({ pid }) => pid), group.deaths], [[102, 103], 0]);
});

test("workers that are to be replaced before all have started are replaced after that", async (t) => {
  const { group, forked, settle } = groupOf(t, 1);
  const starting = group.start();
  await settle();
  await group.roll();
  assert.equal(forked.length, 1);
  forked[0]?.setReady();
  await starting;
  await settle();
  forked[1]?.setReady();
  await settle();
  assert.deepEqual([forked.length, forked[0]?.signals], [2, ["SIGTERM"]]);
});

test("a new worker that can't start leaves the old ones as they are", async (t) => {
  const { group, forked, lines, settle, started } = groupOf(t, 2);
  await started();
  const rolling = group.roll();
  await settle();
  forked[2]?.end(1);
  await rolling;
  assert.match(lines.at(-1) ?? "", /^a new worker 1 has ended with code 1 before it served; the workers that are left/);
  assert.deepEqual(
    group.ready.map(({ pid }) => pid),
    [100, 101],
  );
});

test("a worker that dies while it is replaced is replaced once", async (t) => {
  const { group, forked, settle, started, pass } = groupOf(t, 1);
  await started();
  const rolling = group.roll();
  await settle();
  forked[0]?.end(null, "SIGKILL");
  await settle();
  forked[1]?.setReady();
  await rolling;
  await pass(60_000);
  assert.deepEqual([forked.length, group.ready.length], [2, 1]);
});

test("a shutdown ends those that start, too, and starts no more", async (t) => {
  const { group, forked, settle, started, pass } = groupOf(t, 2);
  await started();
  forked[1]?.end(1);
  await settle();
  await pass(100);
  const stopping = group.stop("SIGINT");
  await settle();
  assert.deepEqual([forked[0]?.signals, forked[2]?.signals], [["SIGINT"], ["SIGINT"]]);
  forked[0]?.end();
  forked[2]?.end();
  await stopping;
  await pass(60_000);
  assert.equal(forked.length, 3);
});

test("a worker that does not end is killed, in a shutdown and when it is replaced", async (t) => {
  const { group, forked, lines, settle, started, pass } = groupOf(t, 2);
  await started();
  const rolling = group.roll();
  await settle();
  forked[2]?.setReady();
  await settle();
  await pass(12_999);
  assert.deepEqual(forked[0]?.signals, ["SIGTERM"]);
  await pass(1);
  assert.deepEqual(forked[0]?.signals, ["SIGTERM", "SIGKILL"]);
  assert.equal(lines.at(-1), "worker 1 (process 100) has not ended in 13 s, and is killed");
  forked[0]?.end(null, "SIGKILL");
  await settle();
  forked[3]?.setReady();
  await settle();
  forked[1]?.end();
  await rolling;
  const stopping = group.stop("SIGINT");
  await pass(13_000);
  assert.deepEqual(forked[2]?.signals, ["SIGINT", "SIGKILL"]);
  for (const worker of forked) worker.end(null, "SIGKILL");
  await stopping;
  await pass(13_000);
  assert.deepEqual([forked[1]?.signals, group.deaths], [["SIGTERM"], 0]);
});

test("the metrics of a worker that ends while it is measured are among those that were passed on, and not among others", async (t) => {
  const { group, forked, last, settle, started } = groupOf(t, 2);
  await started();
  const [one, other] = forked;
  assert.ok(one && other);
  const measuring = group.measure(2_000);
  one.metrics = [{ name: "one" }];
  other.metrics = [{ name: "other" }];
  one.end();
  await settle();
  other.measured();
  await measuring;
  assert.deepEqual([group.metrics, last], [[other.metrics], [one.metrics]]);
});

test("a pause grows to half a minute, and is short again after a worker that has worked", () => {
  const backOff = new BackOff();
  const waits = Array.from({ length: 11 }, () => backOff.after(0));
  assert.deepEqual(waits.slice(0, 3), [100, 200, 400]);
  assert.deepEqual(waits.slice(-2), [30_000, 30_000]);
  assert.equal(backOff.after(59_999), 30_000);
  assert.equal(backOff.after(60_000), 100);
});
