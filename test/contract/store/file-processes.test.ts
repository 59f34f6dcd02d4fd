/** Several processes on one root: a path has at most one appender among them. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Growth } from "../../../src/engine/storage/store.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { Program, scriptArguments } from "../../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../../fixture/temp.ts";
import { until } from "../../fixture/until.ts";
import { put, rejectsWith, stored } from "./driver.ts";

const CLAIMANT = join("test", "contract", "store", "claimant.ts");

// The tests start Node processes, so they run on Node only.
const skip = "Deno" in globalThis || "Bun" in globalThis ? "tested on Node, with processes of its own" : undefined;

/** Controls another process that claims a path; see `claimant.ts`. */
class Claimant {
  readonly #program: Program;
  #said = 0;

  constructor(root: string, path: string) {
    this.#program = new Program(process.execPath, [...scriptArguments("node", CLAIMANT), root, path]);
  }

  /** The next line that it prints. */
  async answer(): Promise<string> {
    const from = this.#said;
    const found = await this.#program.printed(new RegExp(`^(?:[^\\n]*\\n){${from}}([^\\n]+)\\n`));
    this.#said++;
    return found[1] ?? "";
  }

  /** Sends a command and returns the line that it prints. */
  async ask(order: string): Promise<string> {
    await this.#program.write(`${order}\n`);
    return await this.answer();
  }

  /** Suspends the process until {@link wake}. */
  freeze(): void {
    this.#program.child.kill("SIGSTOP");
  }

  wake(): void {
    this.#program.child.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    await this.#program.stop("SIGKILL");
  }
}

function processTest(what: string, run: (root: string, start: (path: string) => Claimant) => Promise<void>): void {
  test(what, skip === undefined ? {} : { skip }, async () => {
    const root = await temporaryFolder("processes");
    const claimants: Claimant[] = [];
    try {
      await run(root, (path) => {
        const claimant = new Claimant(root, path);
        claimants.push(claimant);
        return claimant;
      });
    } finally {
      await Promise.all(claimants.map((claimant) => claimant.kill()));
      await removeFolder(root);
    }
  });
}

processTest("a path that another process has claimed is refused until it is released", async (root, start) => {
  const store = fileStore({ root });
  const other = start("dir/a.txt");
  assert.equal(await other.answer(), "claimed at 0");
  await rejectsWith(store.claim("dir/a.txt"), "conflict");
  await rejectsWith(store.remove("dir/a.txt"), "conflict");
  assert.equal(await other.ask("append theirs "), "size 7");
  await put(store, "dir/b.txt", "another path");
  assert.equal(await other.ask("release complete"), "released");
  assert.equal(await put(store, "dir/a.txt", "ours"), 11);
  assert.equal(String(await stored(store, "dir/a.txt")), "theirs ours");
});

processTest("a path that this process has claimed is refused to another one", async (root, start) => {
  const store = fileStore({ root });
  const handle = await store.claim("a.txt");
  assert.equal(await start("a.txt").answer(), "refused conflict");
  await handle.append(Buffer.from("ours"));
  await handle.release();
  const later = start("a.txt");
  assert.equal(await later.answer(), "claimed at 4");
});

processTest(
  "an append goes on while other processes arrive and die, and its path stays taken",
  async (_root, start) => {
    const first = start("a.txt");
    assert.equal(await first.answer(), "claimed at 0");
    assert.equal(await first.ask("append one "), "size 4");
    for (let size = 8; size <= 12; size += 4) {
      const second = start("b.txt");
      assert.equal(await second.answer(), "claimed at 0");
      await second.kill();
      assert.equal(await start("a.txt").answer(), "refused conflict");
      assert.equal(await first.ask("append two "), `size ${size}`);
    }
    assert.equal(await first.ask("release complete"), "released");
    assert.equal(await start("a.txt").answer(), "claimed at 12");
  },
);

processTest(
  "the path of a killed process is free at once, and the bytes that it has stored are there",
  async (root, start) => {
    const store = fileStore({ root });
    const other = start("a.txt");
    await other.answer();
    assert.equal(await other.ask("append before "), "size 7");
    await other.kill();
    assert.equal(await put(store, "a.txt", "after"), 12);
    assert.equal(readFileSync(join(root, "a.txt"), "utf8"), "before after");
  },
);

processTest("of many processes that claim a path at once exactly one gets it", async (_root, start) => {
  const answers = await Promise.all(Array.from({ length: 6 }, () => start("a.txt").answer()));
  assert.deepEqual(answers.sort(), ["claimed at 0", ...Array(5).fill("refused conflict")]);
});

processTest(
  "a process that is stopped for long loses its path, and can't write when it continues",
  async (root, start) => {
    const other = start("a.txt");
    await other.answer();
    assert.equal(await other.ask("append before "), "size 7");
    other.freeze();
    // A silent owner keeps its claims for ten seconds.
    const store = fileStore({ root });
    const handle = await until("the sleeper's path to be free", () =>
      store.claim("a.txt").catch(async (error: unknown) => {
        await rejectsWith(Promise.reject(error), "conflict");
        return undefined;
      }),
    );
    assert.equal(handle.offset, 7);
    assert.equal(await handle.append(Buffer.from("ours ")), 12);
    other.wake();
    assert.equal(await other.ask("append theirs"), "refused fenced");
    assert.equal(await handle.append(Buffer.from("still ours")), 22);
    await handle.release();
    assert.equal(readFileSync(join(root, "a.txt"), "utf8"), "before ours still ours");
  },
);

processTest("an append of another process can be watched to its end", async (root, start) => {
  const store = fileStore({ root });
  assert.equal(await store.watch?.("a.txt", new AbortController().signal), undefined, "there is no appender");
  const other = start("a.txt");
  await other.answer();
  const news = await store.watch?.("a.txt", new AbortController().signal);
  assert.ok(news);
  const seen: Growth[] = [(await news.next()).value as Growth];
  await other.ask("append one ");
  await other.ask("append two");
  while (seen.at(-1)?.size !== 7) seen.push((await news.next()).value as Growth);
  await other.ask("release complete");
  for await (const growth of news) seen.push(growth);
  assert.equal(seen[0]?.size, 0);
  assert.deepEqual(seen.at(-1), { size: 7, ended: "complete" });
});

processTest("a claim without an append does not count as the end of an append", async (root, start) => {
  const store = fileStore({ root });
  await store.sessions.save({ path: "a.txt", digest: "0".repeat(64) });
  const first = start("a.txt");
  await first.answer();
  const news = await store.watch?.("a.txt", new AbortController().signal);
  assert.ok(news);
  await news.next();
  await first.kill();
  await (await store.claim("a.txt")).release();
  const second = start("a.txt");
  assert.equal(await second.answer(), "claimed at 0");
  await second.ask("append all");
  await second.ask("release complete");
  await store.sessions.remove("a.txt");
  const seen: Growth[] = [];
  for await (const growth of news) seen.push(growth);
  assert.deepEqual(seen.at(-1), { size: 3, ended: "complete" });
});

processTest(
  "a process that dies right before it releases a path has recorded how the append ended",
  async (root, start) => {
    for (const [path, order, ended] of [
      ["a.txt", "announce complete", "complete"],
      ["b.txt", "append more", "lost"],
    ] as const) {
      const store = fileStore({ root });
      const other = start(path);
      await other.answer();
      const news = await store.watch?.(path, new AbortController().signal);
      assert.ok(news);
      const seen = [(await news.next()).value as Growth];
      await other.ask("append all of it ");
      await other.ask(order);
      await other.kill();
      for await (const growth of news) seen.push(growth);
      assert.equal(seen.at(-1)?.ended, ended);
      assert.equal(await put(store, path, "next"), (seen.at(-1)?.size ?? 0) + 4);
      const left = readdirSync(join(root, ".httpfstream", "entries"));
      assert.deepEqual(left, []);
    }
  },
);

processTest("an abandoned watch and a dead process leave nothing behind", async (root, start) => {
  const store = fileStore({ root });
  const other = start("a.txt");
  await other.answer();
  const news = await store.watch?.("a.txt", new AbortController().signal);
  await news?.next();
  await news?.return();
  await other.kill();
  await store.tidy?.();
  const left = readdirSync(join(root, ".httpfstream"), { recursive: true, withFileTypes: true });
  const files = left.filter((entry) => entry.isFile() && !entry.parentPath.endsWith("streams"));
  assert.deepEqual(
    files.map(({ name }) => name),
    [],
  );
});
