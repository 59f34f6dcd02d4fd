/** Pings, and disconnecting peers that stop answering them. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type Limits, resolveLimits } from "../../src/engine/limits.ts";
import type { SocketPort } from "../../src/server/platform/platform.ts";
import { Liveness } from "../../src/server/timers/liveness.ts";

/** A connection that counts its pings and terminations. */
class FakePort implements SocketPort {
  pending = 0;
  paused = false;
  closing = false;
  pings = 0;
  terminated = 0;
  ping(): void {
    this.pings++;
  }
  send(): void {}
  drained(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {}
  terminate(): void {
    this.terminated++;
  }
}

/** A test with mock timers; `rounds` advances them by a number of ping intervals. */
function clockTest(what: string, run: (liveness: Liveness, rounds: (count: number) => void) => void): void {
  test(what, () => {
    mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
    try {
      const limits: Partial<Limits> = { pingIntervalMs: 1000, missedPings: 3 };
      run(new Liveness(resolveLimits(limits)), (count) => mock.timers.tick(count * 1000));
    } finally {
      mock.timers.reset();
    }
  });
}

clockTest("a connection is pinged once per interval", (liveness, rounds) => {
  const port = new FakePort();
  liveness.watch(port);
  rounds(0.99);
  assert.equal(port.pings, 0);
  rounds(0.01);
  assert.equal(port.pings, 1);
  rounds(9);
  assert.equal(port.pings, 10);
});

clockTest("a peer that never answers is never disconnected", (liveness, rounds) => {
  const port = new FakePort();
  const watch = liveness.watch(port);
  rounds(100);
  watch.heard(false);
  rounds(100);
  assert.equal(port.terminated, 0);
});

clockTest("a peer that answered and then stops is disconnected once, after three missed pings", (liveness, rounds) => {
  const port = new FakePort();
  const watch = liveness.watch(port);
  rounds(1);
  watch.heard(true);
  rounds(3);
  assert.equal(port.terminated, 0, "three pings are out");
  rounds(1);
  assert.equal(port.terminated, 1, "the third was missed");
  assert.equal(port.pings, 4);
  rounds(10);
  assert.equal(port.terminated, 1);
});

clockTest("any message of the peer counts as a sign of life", (liveness, rounds) => {
  const port = new FakePort();
  const watch = liveness.watch(port);
  rounds(1);
  watch.heard(true);
  for (let count = 0; count < 50; count++) {
    rounds(2);
    watch.heard(count % 2 === 0);
  }
  assert.equal(port.terminated, 0);
});

clockTest("a peer with unread data is not pinged meanwhile, and not disconnected for it", (liveness, rounds) => {
  const port = new FakePort();
  const watch = liveness.watch(port);
  rounds(1);
  watch.heard(true);
  port.pending = 1000;
  rounds(100);
  assert.equal(port.pings, 1);
  assert.equal(port.terminated, 0);
  port.pending = 0;
  rounds(4);
  assert.equal(port.terminated, 1);
});

clockTest("a peer is not disconnected for its silence while its socket is paused", (liveness, rounds) => {
  const port = new FakePort();
  const watch = liveness.watch(port);
  rounds(1);
  watch.heard(true);
  rounds(2);
  port.paused = true;
  rounds(100);
  assert.equal(port.terminated, 0);
  port.paused = false;
  rounds(3);
  assert.equal(port.terminated, 0, "it gets all its chances again");
  rounds(1);
  assert.equal(port.terminated, 1);
});

clockTest("peers are judged independently", (liveness, rounds) => {
  const [dead, alive, silent] = [new FakePort(), new FakePort(), new FakePort()];
  const watches = [dead, alive, silent].map((port) => liveness.watch(port));
  rounds(1);
  watches[0]?.heard(true);
  for (let count = 0; count < 10; count++) {
    watches[1]?.heard(true);
    rounds(1);
  }
  assert.deepEqual([dead.terminated, alive.terminated, silent.terminated], [1, 0, 0]);
});

clockTest("no peer is pinged after its watch has ended, or if its port can't ping", (liveness, rounds) => {
  const [port, other, mute] = [new FakePort(), new FakePort(), new FakePort()];
  Object.assign(mute, { ping: undefined });
  const watch = liveness.watch(port);
  liveness.watch(other);
  liveness.watch(mute).heard(true);
  rounds(1);
  watch.stop();
  watch.stop();
  rounds(5);
  assert.equal(port.pings, 1);
  assert.equal(other.pings, 6);
  assert.equal(mute.terminated, 0);
});

/** Whether a promise is settled after the pending microtasks. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  for (let job = 0; job < 5; job++) await undefined;
  return settled;
}

test("a watch settles when every ping is answered, and sends no more", async () => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  try {
    const liveness = new Liveness(resolveLimits({ pingIntervalMs: 1000, missedPings: 3 }));
    const port = new FakePort();
    const watch = liveness.watch(port);
    assert.ok(await isSettled(watch.settled()), "no ping was sent");

    const behind = new FakePort();
    const slow = liveness.watch(behind);
    mock.timers.tick(1000);
    slow.heard(true);
    mock.timers.tick(2000);
    const settled = slow.settled();
    slow.heard(false);
    slow.heard(true);
    assert.equal(await isSettled(settled), false, "one of two pings is not answered");
    mock.timers.tick(2000);
    assert.equal(behind.pings, 3, "no ping comes after it");
    slow.heard(true);
    assert.ok(await isSettled(settled));
  } finally {
    mock.timers.reset();
  }
});

test("a watch settles without an answer if none comes, none ever came, or the connection is gone", async () => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  try {
    const liveness = new Liveness(resolveLimits({ pingIntervalMs: 1000, missedPings: 3 }));
    const [mute, gone, late, first] = [1, 2, 3, 4].map(() => liveness.watch(new FakePort()));
    mock.timers.tick(1000);
    for (const watch of [gone, late]) watch?.heard(true);
    const early = first?.settled() as Promise<void>;
    mock.timers.tick(1000);
    assert.equal(await isSettled(early), false, "its first ping may be answered yet");
    assert.ok(await isSettled(mute?.settled() as Promise<void>), "it has let an interval pass");
    const [left, waiting] = [gone?.settled(), late?.settled()] as Promise<void>[];
    gone?.stop();
    assert.ok(await isSettled(left as Promise<void>));
    mock.timers.tick(2999);
    assert.equal(await isSettled(waiting as Promise<void>), false);
    assert.ok(await isSettled(early));
    mock.timers.tick(1);
    assert.ok(await isSettled(waiting as Promise<void>));
  } finally {
    mock.timers.reset();
  }
});

test("there is a timer only while a connection is watched, and none with an interval of 0", (t) => {
  const started = t.mock.method(globalThis, "setInterval");
  const stopped = t.mock.method(globalThis, "clearInterval");
  const liveness = new Liveness(resolveLimits({ pingIntervalMs: 60_000 }));
  const watches = Array.from({ length: 3 }, () => liveness.watch(new FakePort()));
  assert.equal(started.mock.callCount(), 1);
  for (const watch of watches) watch.stop();
  assert.equal(stopped.mock.callCount(), 1);
  liveness.watch(new FakePort()).stop();
  assert.equal(started.mock.callCount(), 2);
  assert.equal(stopped.mock.callCount(), 2);

  new Liveness(resolveLimits({ pingIntervalMs: 0 })).watch(new FakePort()).stop();
  assert.equal(started.mock.callCount(), 2);
});
