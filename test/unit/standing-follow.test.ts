/** A follow that outlasts appends, over a store that a test controls. */
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import type { FollowEnd } from "../../src/engine/follow/follower.ts";
import { Sessions } from "../../src/engine/sessions/sessions.ts";
import type { StandingFollow } from "../../src/engine/standing/standing-follow.ts";
import { StandingFollows } from "../../src/engine/standing/standing-follows.ts";
import type { StoreStat } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import type { Start } from "../../src/protocol/offset.ts";
import { Rig, settle } from "../fixture/rig.ts";
import { TestSink } from "../fixture/test-sink.ts";

afterEach(() => mock.timers.reset());

/** A follow that runs, and what it was told. */
interface Running {
  readonly follow: StandingFollow;
  readonly sink: TestSink;
  /** What the connection was told, such as `idle 3 complete`. */
  readonly told: string[];
  readonly ended: Promise<FollowEnd>;
  /** How it ended, if it did. */
  end: FollowEnd | Error | undefined;
}

/** A server, and what looks at its store find. */
class Server extends Rig {
  readonly sessions: Sessions = new Sessions(this.registry, (_path, error) => assert.fail(String(error)));
  readonly standing: StandingFollows;
  /** Looks find this instead of what is stored, if set. */
  seen: ((found: StoreStat | undefined) => StoreStat | undefined | Promise<StoreStat | undefined>) | undefined;

  /** @param isShared Whether other processes may write to the store. */
  constructor(isShared = false) {
    super();
    const stat = this.store.stat.bind(this.store);
    this.store.stat = async (path) => {
      const found = await stat(path);
      return this.seen ? await this.seen(found) : found;
    };
    if (isShared) Object.assign(this.store, { watch: async () => undefined });
    this.standing = new StandingFollows({ registry: this.registry, sessions: this.sessions });
  }

  open(start: Start = { offset: 0 }, generation?: string): Promise<StandingFollow> {
    return this.standing.open("a", { start, generation });
  }

  run(follow: StandingFollow, sink: TestSink = new TestSink()): Running {
    const told: string[] = [];
    const ended = follow.run(sink, {
      text: false,
      started: (offset, generation) => told.push(`started ${offset} ${generation}`),
      idle: (offset, reason) => told.push(`idle ${offset} ${reason}`),
    });
    const running: Running = { follow, sink, told, ended, end: undefined };
    ended.then(
      (end) => {
        running.end = end;
      },
      (error: Error) => {
        running.end = error;
      },
    );
    return running;
  }

  /** Opens a follow, and runs it until nothing more happens. */
  async begin(start?: Start, sink?: TestSink): Promise<Running> {
    const running = this.run(await this.open(start), sink);
    await settle();
    return running;
  }

  /** One whole append. */
  async put(text: string): Promise<void> {
    const admission = await this.admit();
    await this.push(admission, text);
    await admission.end("complete");
    await settle();
  }

  async generation(): Promise<string | undefined> {
    return (await this.store.stat("a"))?.generation;
  }

  /** Says that the path may have changed, as a removal in this process does. */
  async notify(): Promise<void> {
    this.registry.notices.notify("a");
    await settle();
  }
}

/** Ends a follow, and checks that nothing of it is left. */
async function finish({ follow, ended }: Running, end: FollowEnd = "gone"): Promise<void> {
  if (end === "gone") follow.stop();
  assert.equal(await ended, end);
  follow.leave();
}

test("a path that does not exist: idle at 0, then it begins, and appends follow each other", async () => {
  const server = new Server();
  const follow = await server.open("now");
  assert.deepEqual([follow.start, follow.offset, follow.isMissing], [0, 0, true]);
  assert.deepEqual(follow.content, { size: 0, generation: "" });
  const running = server.run(follow);
  await settle();
  assert.deepEqual(running.told, ["idle 0 unknown"]);
  await server.put("one");
  const generation = await server.generation();
  const told = ["idle 0 unknown", `started 0 ${generation}`, "idle 3 complete"];
  assert.deepEqual(running.told, told);
  assert.equal(follow.isMissing, false);
  await server.put(" two");
  assert.deepEqual(running.told, [...told, "idle 7 complete"]);
  assert.equal(String(running.sink.bytes), "one two");
  assert.equal(follow.offset, 7);
  await finish(running);
});

test("what is stored comes first; nothing is told twice", async () => {
  const server = new Server();
  await server.put("0123456789");
  const follow = await server.open({ tail: 4 });
  assert.deepEqual([follow.start, follow.offset, follow.isMissing], [6, 6, false]);
  const { size, generation, appending, ended } = follow.content;
  assert.deepEqual([size, appending, ended], [10, false, "complete"]);
  assert.equal(generation, await server.generation());
  const running = server.run(follow);
  await settle();
  for (let times = 0; times < 3; times++) await server.notify();
  assert.equal(String(running.sink.bytes), "6789");
  assert.deepEqual(running.told, ["idle 10 complete"]);
  assert.deepEqual(follow.content, { size: 0, generation: "" }, "it is known only at the start");
  await finish(running);
});

test("how an append ends is told at once, also if the offset stays the same", async () => {
  const server = new Server();
  await server.put("x");
  const running = await server.begin();
  const lost = await server.admit();
  await settle();
  await lost.end("lost");
  await settle();
  assert.deepEqual(running.told, ["idle 1 complete", "idle 1 lost"]);
  server.seen = (found) => found && { ...found, ended: "failed" };
  await server.notify();
  assert.equal(running.told.at(-1), "idle 1 failed");
  // A record that was lost is no news.
  server.seen = (found) => found && { ...found, ended: "unknown" };
  await server.notify();
  assert.equal(running.told.at(-1), "idle 1 failed");
  await finish(running);
});

test("during an append, its bytes and its type are known", async () => {
  const server = new Server();
  const admission = await server.registry.admit("a", { type: "text/plain" });
  admission.connect({});
  await server.push(admission, "abc");
  const { generation } = admission.batcher.channel;
  const follow = await server.open({ offset: 1 });
  assert.deepEqual(follow.content, { size: 3, generation, appending: true, type: "text/plain" });
  const running = server.run(follow);
  await settle();
  assert.deepEqual([String(running.sink.bytes), follow.offset], ["bc", 3]);
  assert.deepEqual(running.told, []);
  await server.push(admission, "d");
  await settle();
  assert.equal(follow.offset, 4, "the offset of a follow under way");
  await finish(running);
  await admission.end("complete");
});

test("it ends when its content is removed, or replaced", async () => {
  const server = new Server();
  await server.put("abc");
  const removed = await server.begin();
  await server.store.remove("a");
  assert.equal(removed.end, undefined, "nothing has told it");
  await server.notify();
  assert.equal(removed.end, "deleted");
  await server.put("abc");
  const replaced = await server.begin();
  await server.store.remove("a");
  await server.store.append("a", "abcdef");
  await server.notify();
  assert.equal(replaced.end, "replaced");
  assert.equal(String(replaced.sink.bytes), "abc");
  removed.follow.leave();
  replaced.follow.leave();
});

test("the removal of a path that had no byte yet does not end it: the path may begin again", async () => {
  const server = new Server();
  const running = await server.begin();
  await server.put("");
  const first = await server.generation();
  await server.store.remove("a");
  await server.notify();
  assert.equal(running.follow.isMissing, true);
  await server.put("");
  const second = await server.generation();
  await server.notify();
  await server.put("x");
  assert.deepEqual(
    running.told.filter((line) => line.startsWith("started")),
    [`started 0 ${first}`, `started 0 ${second}`],
  );
  assert.equal(running.end, undefined);
  await server.store.remove("a");
  await server.notify();
  assert.equal(running.end, "deleted", "it had a byte");
  running.follow.leave();
});

test("if the store has no generations, only the size tells of other content", async () => {
  const server = new Server();
  server.seen = (found) => found && { ...found, generation: "" };
  await server.put("abc");
  const running = await server.begin();
  await server.store.append("a", "d");
  await server.notify();
  assert.deepEqual([String(running.sink.bytes), running.end], ["abcd", undefined]);
  server.seen = (found) => found && { ...found, generation: "", size: 3 };
  await server.notify();
  assert.equal(running.end, "replaced");
  running.follow.leave();
});

test("a generation that is known only later binds the follow from then on", async () => {
  const server = new Server();
  await server.put("abc");
  server.seen = (found) => found && { ...found, generation: "" };
  const running = await server.begin();
  server.seen = undefined;
  await server.notify();
  assert.equal(running.end, undefined);
  server.seen = (found) => found && { ...found, generation: "other", size: 9 };
  await server.notify();
  assert.equal(running.end, "replaced");
  running.follow.leave();
});

test("a generation is required of the content, and of a path that does not exist", async () => {
  const server = new Server();
  await assert.rejects(server.open({ offset: 0 }, "g"), { code: "not_found" });
  await server.put("abc");
  await assert.rejects(server.open({ offset: 0 }, "g"), { code: "replaced" });
  await assert.rejects(server.open({ offset: 4 }), { code: "range" });
  const follow = await server.open({ offset: 3 }, await server.generation());
  assert.equal(follow.start, 3);
  follow.leave();
});

test("on shutdown it ends with the append, and no other begins", async () => {
  const server = new Server();
  const admission = await server.admit();
  await server.push(admission, "abc");
  const running = await server.begin();
  server.registry.onClose(async () => void (await admission.end("restarting")));
  await server.registry.close();
  await finish(running, "restarting");
  server.seen = (found) => found && { ...found, appending: true };
  await assert.rejects(server.open(), { code: "restarting" });
});

test("an append that another process was to continue, and did not, ends no follow", async () => {
  const server = new Server();
  const admission = await server.admit();
  await server.push(admission, "abc");
  const running = await server.begin();
  await admission.end("restarting");
  await settle();
  assert.equal(running.end, undefined);
  await server.put("d");
  assert.equal(String(running.sink.bytes), "abcd");
  await finish(running);
});

test("stop ends it in any state", async () => {
  const server = new Server();
  await server.put("abc");
  const early = await server.open();
  early.stop();
  await finish(server.run(early));

  const waiting = await server.begin();
  await finish(waiting);

  const stalled = await server.begin({ offset: 0 }, new TestSink("binary", true));
  await server.put("d");
  await finish(stalled);

  const looking = await server.begin();
  let find = (): void => {};
  server.seen = (found) => new Promise((resolve) => (find = () => resolve(found)));
  server.registry.notices.notify("a");
  await settle();
  looking.follow.stop();
  find();
  assert.equal(await looking.ended, "gone");
  looking.follow.leave();
});

test("during an append, stop ends it, and the append goes on", async () => {
  const server = new Server();
  const admission = await server.admit();
  await server.push(admission, "abc");
  const running = await server.begin();
  await finish(running);
  await server.push(admission, "d");
  assert.equal(String(running.sink.bytes), "abc");
  await admission.end("complete");
});

test("all followers of a path share one look", async () => {
  const server = new Server();
  await server.put("abc");
  const all = await Promise.all(Array.from({ length: 10 }, () => server.begin()));
  const before = server.store.stats;
  await server.notify();
  assert.ok(server.store.stats - before <= 2, `${server.store.stats - before} looks`);
  for (const running of all) await finish(running);
});

test("what another process writes is found within a second, while there is a follower", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const server = new Server(true);
  const running = await server.begin();
  await server.store.append("a", "abc");
  mock.timers.tick(1_000);
  await settle();
  assert.equal(String(running.sink.bytes), "abc");
  await finish(running);
  const before = server.store.stats;
  mock.timers.tick(10_000);
  await settle();
  assert.equal(server.store.stats, before);
});

test("if no other process can write to the store, nothing looks at it", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const server = new Server();
  const running = await server.begin();
  const before = server.store.stats;
  mock.timers.tick(10_000);
  await settle();
  assert.equal(server.store.stats, before);
  await finish(running);
});

test("a look that fails ends it with the error", async () => {
  const server = new Server();
  const running = await server.begin();
  server.seen = () => Promise.reject(new StreamError("storage", "no look"));
  await server.notify();
  assert.equal((running.end as StreamError).code, "storage");
  running.follow.leave();
  await assert.rejects(server.open(), { code: "storage" });
});

test("a read that finds less than the look is repeated once; if it happens again, the follow fails", async () => {
  const server = new Server();
  await server.put("abc");
  server.seen = (found) => found && { ...found, size: 9 };
  const reads = server.store.reads;
  const failed = await server.begin({ offset: 3 });
  assert.equal((failed.end as StreamError).code, "changed");
  assert.equal(server.store.reads - reads, 2);
  failed.follow.leave();
});

test("a read that finds less only once does no harm", async () => {
  const server = new Server();
  await server.put("abc");
  for (let times = 0; times < 3; times++) {
    let isFirst = true;
    server.seen = (found) => {
      const size = isFirst ? 9 : 3;
      isFirst = false;
      return found && { ...found, size };
    };
    const running = await server.begin({ offset: 3 });
    assert.deepEqual(running.told, ["idle 3 complete"]);
    // And again later, since it has waited in between.
    isFirst = true;
    await server.notify();
    assert.equal(running.end, undefined);
    await finish(running);
  }
});

test("an append of which nothing can be followed is looked for again, and then waited for", async () => {
  const server = new Server();
  await server.put("abc");
  server.seen = (found) => found && { ...found, appending: true, ended: "unknown" };
  const before = server.store.stats;
  const running = await server.begin({ offset: 3 });
  assert.deepEqual(running.told, ["idle 3 unknown"]);
  assert.ok(server.store.stats - before <= 6, `${server.store.stats - before} looks`);
  server.seen = undefined;
  await server.notify();
  assert.deepEqual(running.told, ["idle 3 unknown", "idle 3 complete"]);
  await finish(running);
});

test("leave gives the append up once, also before the follow began", async () => {
  const server = new Server();
  const admission = await server.admit();
  const [one, other] = [await server.open(), await server.open()];
  one.leave();
  one.leave();
  const running = server.run(other);
  await settle();
  await server.push(admission, "abc");
  await settle();
  assert.equal(String(running.sink.bytes), "abc");
  await admission.end("complete");
  await server.put("d");
  assert.equal(String(running.sink.bytes), "abcd", "it is still told of appends");
  await finish(running);
});
