/** Special files, links and huge files in place of regular files: nothing hangs, and nothing is written to them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Store } from "../../../src/engine/storage/store.ts";
import { keyOf } from "../../../src/stores/file/reserved/layout.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { NO_DESCRIPTORS, openFiles } from "../../fixture/descriptors.ts";
import { within } from "../../fixture/until.ts";
import { listed, namesOf, put, readAll, rejectsWith, stored } from "./driver.ts";
import { type FileRoot, fileTest } from "./file-root.ts";

/** Creates a special file; returns the reason if it fails. */
function make(command: string, ...args: string[]): string | undefined {
  const { status, stderr, error } = spawnSync(command, args);
  return status === 0 ? undefined : `${command} does not work here: ${error ?? stderr}`;
}

async function isNoResource(store: Store, path: string): Promise<void> {
  await within(rejectsWith(store.claim(path), "path_conflict"), "the claim");
  await within(rejectsWith(store.claim(path, { create: false }), "path_conflict"), "the claim without create");
  await within(rejectsWith(store.claim(`${path}/below`), "path_conflict"), "the claim below");
  assert.equal(await within(store.stat(path), "the stat"), undefined);
  assert.equal(await within(listed(store, path), "the list of it"), undefined);
  assert.deepEqual(await within(listed(store, ""), "the list"), []);
}

async function withPipe({ root }: FileRoot, use: (pipe: string) => Promise<void>): Promise<void> {
  const pipe = join(root, "pipe");
  const problem = make("mkfifo", pipe);
  if (problem) throw new Error(problem);
  await use(pipe);
}

fileTest("a named pipe without a reader", (at) =>
  withPipe(at, async () => {
    await isNoResource(at.store, "pipe");
    await within(assert.rejects(readAll(at.store.read("pipe", 0, 1))), "the read");
  }),
);

fileTest("a named pipe with a reader", (at) =>
  withPipe(at, async (pipe) => {
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      await isNoResource(at.store, "pipe");
      if (NO_DESCRIPTORS === undefined) assert.equal(openFiles(at.root).length, 1, "only the reader's own is open");
    } finally {
      closeSync(reader);
    }
  }),
);

fileTest("a socket", async ({ store, root }) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(root, "socket"), resolve));
  try {
    await isNoResource(store, "socket");
    await within(assert.rejects(readAll(store.read("socket", 0, 1))), "the read");
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

/** Returns the reason why devices can't be created here, or undefined if they can. */
function noDevices(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "httpfstream-device-"));
  const problem = make("mknod", join(folder, "null"), "c", "1", "3");
  rmSync(folder, { recursive: true });
  return problem;
}

fileTest(
  "a device",
  async ({ store, root }) => {
    for (const minor of ["3", "5"]) {
      const problem = make("mknod", join(root, "device"), "c", "1", minor);
      if (problem) throw new Error(problem);
      await isNoResource(store, "device");
      assert.equal(await store.remove("device"), false);
      rmSync(join(root, "device"));
    }
  },
  noDevices(),
);

fileTest("pipes in place of folders do not block either", (at) =>
  withPipe(at, async () => {
    await put(at.store, "other.txt", "x");
    await rejectsWith(within(at.store.stat("pipe/below"), "the stat"), "path_conflict");
    assert.equal(await within(at.store.remove("pipe"), "the remove"), false);
  }),
);

/** What replaces one of the store's own files. */
const STAND_INS: Readonly<Record<string, (file: string) => void>> = {
  "a named pipe": (file) => assert.equal(make("mkfifo", file), undefined),
  "a link to a named pipe": (file) => {
    assert.equal(make("mkfifo", `${file}-pipe`), undefined);
    symlinkSync(`${file}-pipe`, file);
  },
  "a link that leads nowhere": (file) => symlinkSync("nowhere", file),
  "a file of a terabyte": (file) => {
    writeFileSync(file, "");
    truncateSync(file, 2 ** 40);
  },
};

for (const [what, stand] of Object.entries(STAND_INS)) {
  fileTest(`${what} in place of any file of the store's own`, async ({ root }) => {
    const file = join(root, "a.txt");
    const places = [
      `streams/${keyOf("a.txt")}.json`,
      "servers/x",
      `wanted/${keyOf("a.txt")}`,
      `sessions/${keyOf("a.txt")}.json`,
      `entries/${keyOf("a.txt")}/1-x`,
      `entries/${keyOf("a.txt")}/away-1-x`,
      "leases/held",
      "leases/x",
      "journal/x",
      "temporary/x",
    ];
    for (const durability of ["os", "disk"] as const) {
      for (const place of places) {
        const own = join(root, ".httpfstream", place);
        mkdirSync(dirname(own), { recursive: true });
        writeFileSync(file, "x");
        rmSync(own, { force: true });
        stand(own);
        const store = fileStore({ root, durability });
        const use = async (): Promise<void> => {
          await store.stat("a.txt");
          await store.sessions?.list();
          await store.sessions?.find("a.txt");
          await put(store, "a.txt", "y");
          assert.equal(String(await stored(store, "a.txt")), "xy", place);
          await store.tidy?.();
        };
        await within(use(), `the store with ${what} at ${place}`);
        for (const left of [own, `${own}-pipe`]) rmSync(left, { force: true });
      }
    }
  });
}

fileTest("names that no URL can have are not listed", async ({ store, root }) => {
  for (const name of ["a\\b", ".HTTPFSTREAM", "a%2fb", "a\nb"]) writeFileSync(join(root, name), "x");
  mkdirSync(join(root, "folder\\"));
  mkdirSync(join(root, "sub", ".httpfstream"), { recursive: true });
  assert.deepEqual(namesOf(await listed(store, "")), ["a\nb", "a%2fb", "sub"]);
  assert.deepEqual(namesOf(await listed(store, "sub")), [".httpfstream"]);
  assert.equal((await listed(store, "", { limit: 1, after: "a%2fb" }))?.[0]?.name, "sub");
});

fileTest("a file in place of the folder of sessions", async ({ root, store }) => {
  const record = { path: "a", digest: "0".repeat(64) };
  await put(store, "a", "stored");
  await store.sessions.save(record);
  const sessions = join(root, ".httpfstream", "sessions");
  rmSync(sessions, { recursive: true });
  writeFileSync(sessions, "a file");
  assert.equal(await store.sessions.find("a"), undefined);
  assert.equal((await store.stat("a"))?.size, 6);
  await store.tidy?.();
  await store.sessions.save(record);
  assert.deepEqual(await store.sessions.find("a"), record);
});
