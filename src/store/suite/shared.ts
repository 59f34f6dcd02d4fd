/**
 * Several processes that share the data: a path has at most one appender among them.
 * @module
 */
import type { AppendHandle, AppendUpdate, Store } from "../../engine/storage/store.ts";
import { claimOf, type OtherProcess, recordOf } from "./actor.ts";
import { assert } from "./assert.ts";
import { bytesOf, textOf } from "./bytes.ts";
import { type CaseStore, type Cases, claimSoon, needing, put, readAll, rejectsWith, stored } from "./cases.ts";

/** Claims that other processes make at once. */
const CLAIMS_AT_ONCE = 6;

/** A case with another process that has claimed `a.txt`, empty. */
function withOther(
  needs: Parameters<typeof needing>[0],
  run: (opened: CaseStore & { readonly other: OtherProcess }) => Promise<void>,
): ReturnType<typeof needing> {
  return needing(["other processes", ...[needs].flat()], async (opened) => {
    const other = await opened.elsewhere();
    assert.equal(await other.ask("claim a.txt"), "claimed at 0");
    await run({ ...opened, other });
  });
}

/** Begins to watch a path that another process has claimed. The first update has come. */
async function watched(
  store: Store,
  path: string,
): Promise<{ seen: AppendUpdate[]; news: AsyncGenerator<AppendUpdate> }> {
  const news = await store.watch?.(path, new AbortController().signal);
  assert.ok(news, "another process has claimed the path");
  const first = await news.next();
  assert.ok(!first.done, "the first update comes at once");
  return { seen: [first.value as AppendUpdate], news };
}

/** Checks that updates grow, and that their bytes are those that are stored. */
async function checkBytes(store: Store, path: string, seen: readonly AppendUpdate[]): Promise<void> {
  for (const [at, { size, bytes }] of seen.entries()) {
    const before = seen[at - 1]?.size ?? 0;
    assert.ok(size >= before, `the size ${size} comes after ${before}`);
    if (!bytes || at === 0) continue;
    assert.equal(textOf(bytes), textOf(await readAll(store.read(path, before, size))), "the bytes of an update");
  }
}

/** Appends to a path that the other process has lost, which must have no effect. */
async function checkSleeper(store: Store, handle: AppendHandle, sleeper: OtherProcess): Promise<void> {
  sleeper.wake?.();
  assert.equal(await sleeper.ask("append a.txt theirs"), "refused fenced");
  await handle.append(bytesOf("still ours"));
  await handle.release("complete");
  assert.equal(textOf(await stored(store, "a.txt")), "before ours still ours");
}

/** The cases. */
export const SHARED: Cases = {
  "a path that another process has claimed is refused until it is released": withOther([], async ({ store, other }) => {
    await rejectsWith(store.claim("a.txt"), "conflict");
    await rejectsWith(store.remove("a.txt"), "conflict");
    assert.equal((await store.stat("a.txt"))?.appending, true);
    assert.equal(await other.ask("append a.txt theirs "), "size 7");
    await put(store, "b.txt", "another path");
    assert.equal(await other.ask("release a.txt complete"), "released");
    assert.equal(await put(store, "a.txt", "ours"), 11);
    assert.equal(textOf(await stored(store, "a.txt")), "theirs ours");
  }),

  "a path that this process has claimed is refused to another one": needing(
    "other processes",
    async ({ store, elsewhere }) => {
      const handle = await store.claim("a.txt");
      const other = await elsewhere();
      assert.equal(await other.ask("claim a.txt"), "refused conflict");
      await handle.append(bytesOf("ours"));
      await handle.release("complete");
      assert.equal(await other.ask("claim a.txt"), "claimed at 4");
    },
  ),

  "an append goes on while other processes arrive and die, and its path stays taken": withOther(
    [],
    async ({ elsewhere, other }) => {
      assert.equal(await other.ask("append a.txt one "), "size 4");
      for (let size = 8; size <= 12; size += 4) {
        const second = await elsewhere();
        assert.equal(await second.ask(`claim ${size}.txt`), "claimed at 0");
        assert.equal(await second.ask("claim a.txt"), "refused conflict");
        await second.kill();
        assert.equal(await other.ask("append a.txt two "), `size ${size}`);
      }
      assert.equal(await other.ask("release a.txt complete"), "released");
      assert.equal(await (await elsewhere()).ask("claim a.txt"), "claimed at 12");
    },
  ),

  "the path of a killed process becomes free, and the bytes that it has stored are there": withOther(
    [],
    async ({ store, other }) => {
      assert.equal(await other.ask("append a.txt before "), "size 7");
      await other.kill();
      const handle = await claimSoon(store, "a.txt");
      assert.equal(handle.offset, 7);
      assert.equal(await handle.append(bytesOf("after")), 12);
      await handle.release("complete");
      assert.equal(textOf(await stored(store, "a.txt")), "before after");
    },
  ),

  "of many processes that claim a path at once exactly one gets it": needing(
    "other processes",
    async ({ elsewhere }) => {
      const others = await Promise.all(Array.from({ length: CLAIMS_AT_ONCE }, () => elsewhere()));
      const answers = await Promise.all(others.map((other) => other.ask("claim a.txt")));
      assert.deepEqual(answers.sort(), ["claimed at 0", ...Array(CLAIMS_AT_ONCE - 1).fill("refused conflict")]);
    },
  ),

  "a process that is suspended for long loses its path, and can't write when it wakes up": withOther(
    "processes that can be suspended",
    async ({ store, other }) => {
      assert.equal(await other.ask("append a.txt before "), "size 7");
      other.freeze?.();
      const handle = await claimSoon(store, "a.txt");
      assert.equal(handle.offset, 7);
      assert.equal(await handle.append(bytesOf("ours ")), 12);
      await checkSleeper(store, handle, other);
    },
  ),

  "a suspended process that wakes up does not change the session of its successor": withOther(
    "processes that can be suspended",
    async ({ store, other }) => {
      assert.equal(await other.ask("save a.txt 1"), "saved");
      assert.equal(await other.ask("append a.txt before "), "size 7");
      other.freeze?.();
      const handle = await claimSoon(store, "a.txt");
      await store.sessions.save(recordOf("a.txt", "2"), claimOf(handle));
      other.wake?.();
      for (const command of ["save a.txt 3", "forget a.txt"]) {
        assert.match(await other.ask(command), /^(saved|forgotten|refused fenced)$/, "it does nothing, or says so");
        assert.deepEqual(await store.sessions.find("a.txt"), recordOf("a.txt", "2"));
      }
      await store.sessions.remove("a.txt", claimOf(handle));
      assert.equal(await store.sessions.find("a.txt"), undefined);
      assert.equal(await handle.append(bytesOf("ours ")), 12);
      await checkSleeper(store, handle, other);
    },
  ),

  "a claim of a path whose append is about to end waits for the end, or is refused": withOther(
    [],
    async ({ store, other }) => {
      await other.ask("append a.txt all of it");
      assert.equal(await other.ask("leave a.txt"), "leaving");
      const claiming = store.claim("a.txt").catch(async (error: unknown) => {
        await rejectsWith(Promise.reject(error), "conflict");
        return undefined;
      });
      assert.equal(await other.ask("release a.txt complete"), "released");
      const handle = (await claiming) ?? (await store.claim("a.txt"));
      assert.equal(handle.offset, 9);
      await handle.release();
    },
  ),

  "an append of another process can be watched to its end": withOther("watch", async ({ store, other }) => {
    const { seen, news } = await watched(store, "a.txt");
    assert.equal(seen[0]?.size, 0);
    await other.ask("append a.txt one ");
    await other.ask("append a.txt two");
    while (seen.at(-1)?.size !== 7) seen.push((await news.next()).value as AppendUpdate);
    await other.ask("release a.txt complete");
    for await (const growth of news) seen.push(growth);
    assert.deepEqual([seen.at(-1)?.size, seen.at(-1)?.ended], [7, "complete"]);
    await checkBytes(store, "a.txt", seen);
  }),

  "a claim without an append does not count as the end of an append": withOther(
    "watch",
    async ({ store, elsewhere, other }) => {
      await store.sessions.save(recordOf("a.txt", "0"));
      const { seen, news } = await watched(store, "a.txt");
      await other.kill();
      await (await claimSoon(store, "a.txt")).release();
      const second = await elsewhere();
      assert.equal(await second.ask("claim a.txt"), "claimed at 0");
      await second.ask("append a.txt all");
      await second.ask("release a.txt complete");
      await store.sessions.remove("a.txt");
      for await (const growth of news) seen.push(growth);
      assert.deepEqual([seen.at(-1)?.size, seen.at(-1)?.ended], [3, "complete"]);
    },
  ),

  "a process that dies right before it releases a path has recorded how the append ended": needing(
    ["other processes", "watch"],
    async ({ store, elsewhere }) => {
      for (const [path, order, ended] of [
        ["a.txt", "announce a.txt complete", "complete"],
        ["b.txt", "append b.txt more", "lost"],
      ] as const) {
        const other = await elsewhere();
        assert.equal(await other.ask(`claim ${path}`), "claimed at 0");
        const { seen, news } = await watched(store, path);
        await other.ask(`append ${path} all of it `);
        await other.ask(order);
        await other.kill();
        for await (const growth of news) seen.push(growth);
        assert.equal(seen.at(-1)?.ended, ended);
        await checkBytes(store, path, seen);
        assert.equal(await put(store, path, "next"), (seen.at(-1)?.size ?? 0) + 4);
      }
    },
  ),

  "a watch that is left leaves the path alone": withOther("watch", async ({ store, other }) => {
    const { news } = await watched(store, "a.txt");
    await news.return(undefined);
    assert.equal(await other.ask("append a.txt on"), "size 2");
    assert.equal(await other.ask("release a.txt complete"), "released");
    assert.equal(await put(store, "a.txt", "ward"), 6);
  }),

  "a process hands a path over to the one that requests it": withOther("handover", async ({ store, other }) => {
    await other.ask("append a.txt one ");
    assert.equal(await other.ask("yield a.txt"), "yields");
    const withdraw = await store.requestHandover?.("a.txt");
    const handle = await claimSoon(store, "a.txt");
    await withdraw?.();
    assert.equal(handle.offset, 4);
    assert.equal(await handle.append(bytesOf("two")), 7);
    assert.equal(await other.ask("claim a.txt"), "refused conflict");
    await handle.release("complete");
  }),
};
