/** Watching an append of another process, from its first size to its end. */
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { AppendUpdate } from "../../src/engine/storage/store.ts";
import { Owner } from "../../src/stores/file/claims/owner.ts";
import type { PeerReport } from "../../src/stores/file/peers/links.ts";
import { reservedIn } from "../../src/stores/file/reserved/layout.ts";
import type { Listen } from "../../src/stores/file/watch/inbox.ts";
import { watchFile } from "../../src/stores/file/watch/watch.ts";
import { OtherProcess } from "../fixture/other-process.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const PATH = "dir/a.txt";

interface Place {
  readonly root: string;
  /** The watched file, which has five bytes. */
  readonly file: string;
  /** A process that has claimed the path. */
  readonly other: OtherProcess;
  /** Milliseconds for which the watch has paused. */
  passedMs(): number;
  /** From now on, pauses do not end. */
  stopTime(): void;
  /** Resolves when the watch has looked at the claim again. */
  look(): Promise<void>;
  /** Reports to the watch, as another process does. */
  tell(news: PeerReport): void;
  /** Begins a watch. `resumable` tells whether there is an open session; by default there is none. */
  watch(resumable?: () => Promise<boolean>, signal?: AbortSignal): AsyncGenerator<AppendUpdate, void, void>;
}

/** Registers a test in which pauses take no time; with `isStill`, they never end. */
function watchTest(what: string, run: (at: Place) => Promise<void>, isStill = false): void {
  test(what, { timeout: 20_000 }, async (t) => {
    const root = realpathSync(await temporaryFolder("watch"));
    const file = join(root, PATH);
    mkdirSync(dirname(file));
    writeFileSync(file, "12345");
    const other = new OtherProcess(root);
    other.claim(PATH);
    let passed = 0;
    let isStopped = isStill;
    const { setTimeout } = globalThis;
    t.mock.method(globalThis, "setTimeout", (done: () => void, ms: number) => {
      passed += ms;
      return isStopped ? setTimeout(() => {}, 0) : setImmediate(done);
    });
    const passedMs = (): number => passed;
    const stopTime = (): void => {
      isStopped = true;
    };
    const look = async (): Promise<void> => {
      const since = passed;
      await until("a look at the claim", () => passed > since + 1_000);
    };
    let tell: (news: PeerReport) => void = () => {};
    const listen: Listen = (listener) => {
      tell = listener;
      return () => {};
    };
    const watch = (resumable = async (): Promise<boolean> => false, signal = new AbortController().signal) => {
      const reserved = reservedIn(root);
      return watchFile({ reserved, owner: new Owner(reserved), file, resumable, signal, listen });
    };
    try {
      await run({ root, file, other, passedMs, stopTime, look, tell: (news) => tell(news), watch });
    } finally {
      t.mock.restoreAll();
      await removeFolder(root);
    }
  });
}

async function rest(news: AsyncGenerator<AppendUpdate, void, void>): Promise<AppendUpdate[]> {
  const seen: AppendUpdate[] = [];
  for await (const growth of news) seen.push(growth);
  return seen;
}

watchTest("each size comes once, and then the end; nothing is left behind", async ({ file, other, look, watch }) => {
  const news = watch();
  assert.deepEqual((await news.next()).value, { size: 5 });
  assert.ok(other.names(PATH).some((name) => name.startsWith("watch-")));
  const next = news.next();
  await look();
  appendFileSync(file, "678");
  assert.deepEqual((await next).value, { size: 8 });
  other.release(PATH, "complete");
  assert.deepEqual(await rest(news), [{ size: 8, ended: "complete" }]);
  assert.deepEqual(other.names(PATH), []);
});

watchTest("an end marker stays while another process wants to read it", async ({ other, watch }) => {
  const news = watch();
  await news.next();
  other.leave(PATH, "watch-another");
  other.release(PATH, "complete");
  await rest(news);
  assert.deepEqual(other.names(PATH), [`ended-complete-1-${other.record.id}`, "watch-another"]);
});

watchTest("without an append there is nothing to watch", async ({ other, watch }) => {
  other.release(PATH);
  assert.deepEqual(await rest(watch()), []);
  assert.deepEqual(other.names(PATH), []);
  other.claim(PATH);
  assert.deepEqual(await rest(watch(undefined, AbortSignal.abort())), [], "nor if it is over before it begins");
});

watchTest("a file that is missing for a while has not changed", async ({ file, other, look, watch }) => {
  const news = watch();
  await news.next();
  const next = news.next();
  renameSync(file, `${file}.away`);
  await look();
  // At once whole: the watch would see the size 0 of a file that is being written.
  renameSync(`${file}.away`, file);
  await look();
  appendFileSync(file, "67");
  assert.deepEqual((await next).value, { size: 7 });
  rmSync(file);
  other.release(PATH, "complete");
  assert.deepEqual(await rest(news), [{ size: 7, ended: "deleted" }]);
});

watchTest("a file that was never there has no bytes", async ({ file, other, look, watch }) => {
  rmSync(file);
  const seen = rest(watch());
  await look();
  other.release(PATH, "complete");
  assert.deepEqual(await seen, [{ size: 0, ended: "deleted" }]);
});

watchTest("a file that cannot be looked at ends the watch with an error", async ({ file, other, watch }) => {
  const news = watch();
  await news.next();
  rmSync(dirname(file), { recursive: true });
  writeFileSync(dirname(file), "a file");
  await assert.rejects(news.next(), { code: "ENOTDIR" });
  assert.deepEqual(other.names(PATH), [`1-${other.record.id}`]);
});

watchTest("an appender that is gone without a word was lost, half a second later", async (at) => {
  const news = at.watch();
  await news.next();
  at.other.release(PATH);
  assert.deepEqual(await rest(news), [{ size: 5, ended: "lost" }]);
  assert.equal(at.passedMs(), 400, "at the fifth look");
});

watchTest("an open session may be without an owner for a second", async ({ other, passedMs, watch }) => {
  let asked = 0;
  const news = watch(async () => ++asked > 0);
  await news.next();
  other.release(PATH);
  assert.deepEqual(await rest(news), [{ size: 5, ended: "restarting" }]);
  assert.deepEqual([asked, passedMs()], [11, 1_400]);
});

watchTest("a session may move from process to process", async ({ root, file, other, look, watch }) => {
  let asked = 0;
  const owners = [other, new OtherProcess(root), new OtherProcess(root), new OtherProcess(root)] as const;
  const news = watch(async () => {
    asked++;
    // Each time, the path has no owner for a while.
    if (asked % 8 === 0) owners[asked / 8]?.claim(PATH, 1 + asked / 8);
    return true;
  });
  await news.next();
  const next = news.next();
  for (const [at, owner] of owners.slice(0, 3).entries()) {
    owner.release(PATH, undefined, at + 1);
    await until("the next owner", () => asked === 8 * (at + 1));
    await look();
  }
  appendFileSync(file, "6");
  assert.deepEqual((await next).value, { size: 6 });
  owners[3].release(PATH, "failed", 4);
  assert.deepEqual(await rest(news), [{ size: 6, ended: "failed" }]);
  assert.equal(asked, 25);
});

watchTest("what a successor reports before it is found counts once it is found", async (at) => {
  const { root, other, look, tell, watch } = at;
  const successor = new OtherProcess(root);
  const news = watch(async () => true);
  await news.next();
  const next = news.next();
  tell({ from: successor.record.id, type: "state", size: 5, closed: false, generation: "g" });
  tell({ from: successor.record.id, type: "grown", size: 8, closed: false });
  await look();
  other.release(PATH);
  successor.claim(PATH, 2);
  assert.deepEqual((await next).value, { size: 8, closed: false });
  successor.release(PATH, "complete", 2);
  await rest(news);
});

watchTest("how an earlier append ended does not count", async ({ other, watch }) => {
  other.leave(PATH, "ended-complete-0-earlier");
  const news = watch();
  await news.next();
  other.release(PATH);
  assert.deepEqual(await rest(news), [{ size: 5, ended: "lost" }]);
});

watchTest("an end that was announced before the watch began counts", async ({ other, watch }) => {
  other.leave(PATH, `ended-complete-1-${other.record.id}`);
  const news = watch();
  await news.next();
  other.release(PATH);
  assert.deepEqual(await rest(news), [{ size: 5, ended: "complete" }]);
});

watchTest("an append that has ended is over, even if the next one has begun", async ({ root, other, watch }) => {
  const news = watch();
  await news.next();
  other.release(PATH, "complete");
  new OtherProcess(root).claim(PATH, 2);
  assert.deepEqual(await rest(news), [{ size: 5, ended: "complete" }]);
});

watchTest("after a shutdown the append goes on if another process has it", async (at) => {
  const { root, file, other, look, watch } = at;
  const successor = new OtherProcess(root);
  const news = watch();
  await news.next();
  other.release(PATH, "restarting");
  successor.claim(PATH, 2);
  const next = news.next();
  await look();
  appendFileSync(file, "6");
  assert.deepEqual((await next).value, { size: 6 });
  successor.release(PATH, undefined, 2);
  assert.deepEqual(await rest(news), [{ size: 6, ended: "lost" }], "the shutdown was that of the other one");
});

watchTest("after a shutdown the append is over if no process has it", async ({ other, watch }) => {
  const news = watch();
  await news.next();
  other.release(PATH, "restarting");
  assert.deepEqual(await rest(news), [{ size: 5, ended: "restarting" }]);
});

watchTest("a successor that announces its shutdown before it is gone", async ({ root, other, look, watch }) => {
  const successor = new OtherProcess(root);
  const news = watch();
  await news.next();
  other.release(PATH, "restarting");
  successor.leave(PATH, `ended-restarting-${successor.claim(PATH, 2)}`);
  const seen = rest(news);
  await look();
  successor.release(PATH, undefined, 2);
  assert.deepEqual(await seen, [{ size: 5, ended: "restarting" }]);
});

watchTest(
  "a watch ends at once, even during a pause",
  async ({ other, passedMs, watch }) => {
    const over = new AbortController();
    const news = watch(undefined, over.signal);
    await news.next();
    const seen = rest(news);
    await until("a pause", () => passedMs() > 0);
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(passedMs(), 100, "it waits");
    over.abort();
    assert.deepEqual(await seen, []);
    assert.deepEqual(other.names(PATH), [`1-${other.record.id}`]);
  },
  true,
);

watchTest("a watch that ends during a look does not pause after it", async ({ other, stopTime, watch }) => {
  const over = new AbortController();
  const resumable = async (): Promise<boolean> => {
    over.abort();
    stopTime();
    return true;
  };
  const news = watch(resumable, over.signal);
  await news.next();
  other.release(PATH);
  assert.deepEqual(await rest(news), []);
  assert.deepEqual(other.names(PATH), []);
});
