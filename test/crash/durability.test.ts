/** What each durability level flushes, and what waits for a flush. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { type FileHandle, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { fstream } from "../../mod.ts";
import { type RunningServer, serve } from "../../src/runtime/node/mod.ts";
import type { Durability } from "../../src/stores/file/durability.ts";
import { OpenedFile } from "../../src/stores/file/folders/opened-file.ts";
import { openFileMethods } from "../fixture/open-files.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

/** Links to the open files of this process. */
const DESCRIPTORS = "/proc/self/fd";

/** The files that this process has flushed, in order. Each flush waits for `gate`. */
const flushed: string[] = [];
let gate: Promise<void> = Promise.resolve();
/** The methods as they were, by the kind of open files that has them. */
const original = new Map<Flushing, Flushing>();

/** What flushes an open file. */
type Flushing = Pick<FileHandle, "sync" | "datasync">;

before(async () => {
  for (const methods of [await openFileMethods(), OpenedFile.prototype]) {
    const { sync, datasync } = methods;
    original.set(methods, { sync, datasync });
    for (const [name, flush] of [
      ["sync", sync],
      ["datasync", datasync],
    ] as const) {
      methods[name] = async function (this: FileHandle & OpenedFile): Promise<void> {
        flushed.push(readlinkSync(join(DESCRIPTORS, String(this.fd))));
        await gate;
        await flush.call(this);
      };
    }
  }
});
after(() => {
  for (const [methods, own] of original) Object.assign(methods, own);
});

describe("durability", {
  timeout: 60_000,
  skip: existsSync(DESCRIPTORS) ? false : `there is no ${DESCRIPTORS} here`,
}, () => {
  let root: string;
  let app: ReturnType<typeof fstream>;
  let server: RunningServer;

  beforeEach(async () => {
    root = await temporaryFolder("durability");
    flushed.length = 0;
    gate = Promise.resolve();
  });
  afterEach(async () => {
    await app.close();
    await server.close();
    await removeFolder(root);
  });

  async function start(durability: Durability): Promise<void> {
    app = fstream({ root, durability });
    server = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  }

  async function connect(verb: string, path = "deep/a.txt"): Promise<V1Peer> {
    const options = { target: `/${path}?verb=${verb}`, headers: OFFER, kind: "binary" } as const;
    return new V1Peer(await (await WebSocketPeer.open(`http://127.0.0.1:${server.port}`, options)).opened());
  }

  /** Resolves once the server has received everything that was sent before. */
  async function taken({ peer }: V1Peer): Promise<void> {
    await peer.frame(9, "ping");
    await peer.pongs.atLeast(4);
  }

  test("os: nothing is flushed", async () => {
    await start("os");
    const appender = await connect("APPEND");
    await appender.send("bytes");
    assert.equal(await appender.finish(), 5);
    assert.deepEqual(flushed, []);
  });

  test("disk: a session's record and all its folders are flushed before the start message", async () => {
    await start("disk");
    const appender = await connect("APPEND");
    await appender.control("start");
    for (const folder of [root, join(root, "deep"), join(root, ".httpfstream", "sessions")]) {
      assert.ok(flushed.includes(folder), `${folder} is not among ${flushed.join(" ")}`);
    }
    const record = flushed.findIndex((file) => file.startsWith(join(root, ".httpfstream", "temporary")));
    assert.ok(record >= 0 && record < flushed.indexOf(join(root, ".httpfstream", "sessions")), flushed.join(" "));
    await appender.finish();
  });

  test("disk: neither the appender nor a follower learns of bytes before they are flushed", async () => {
    await start("disk");
    const appender = await connect("APPEND");
    const follower = await connect("FOLLOW");
    await Promise.all([appender.control("start"), follower.control("start")]);
    let open = (): void => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    await appender.send("bytes");
    await until("the flush to begin", () => flushed.at(-1)?.startsWith(join(root, ".httpfstream", "journal")));
    await Promise.all([taken(appender), taken(follower)]);
    assert.ok(appender.controls.every(({ type }) => type === "start"));
    assert.equal(follower.data.length, 0);
    assert.equal(statSync(join(root, "deep", "a.txt")).size, 0, "who reads the file hears of them");
    open();
    await appender.acked(5);
    await follower.dataAtLeast(5);
    assert.equal(readFileSync(join(root, "deep", "a.txt"), "utf8"), "bytes");
    assert.equal(await appender.finish(), 5);
  });

  test("disk: pieces that arrive during a flush share the next one", async () => {
    await start("disk");
    const appender = await connect("APPEND");
    await appender.send("begin");
    await appender.acked(5);
    const before = flushed.length;
    let open = (): void => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    await appender.send("first");
    await until("the flush to begin", () => flushed.length > before);
    for (let count = 0; count < 100; count++) await appender.send("piece");
    await taken(appender);
    open();
    await appender.acked(510);
    assert.equal(flushed.length - before, 2);
    assert.equal(await appender.finish(), 510);
  });

  test("disk: appends to many files that arrive during a flush share the next one", async () => {
    await start("disk");
    const paths = Array.from({ length: 20 }, (_, at) => `deep/${at}.txt`);
    const appenders = await Promise.all(paths.map((path) => connect("APPEND", path)));
    for (const appender of appenders) await appender.control("start");
    const before = flushed.length;
    const since = (): string[] => flushed.slice(before).map((file) => file.slice(root.length + 1));
    let open = (): void => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    for (const appender of appenders) {
      await appender.send("bytes");
      await taken(appender);
    }
    assert.ok(
      appenders.every(({ controls }) => controls.length === 1),
      "an ack has come before its flush",
    );
    open();
    for (const appender of appenders) await appender.acked(5);
    assert.deepEqual(
      since().map((file) => file.replace(/journal.+/, "journal/segment")),
      [
        // The journal begins a segment.
        ".httpfstream/journal",
        ".httpfstream",
        "",
        // It flushes the segment for the first append, then once for all others.
        ".httpfstream/journal/segment",
        ".httpfstream/journal/segment",
      ],
    );
    for (const appender of appenders) assert.equal(await appender.finish(), 5);
    for (const path of paths) assert.ok(since().includes(path), `${path} was never flushed`);
  });

  test("disk: bytes that are already in a file are flushed before the start message", async () => {
    await mkdir(join(root, "deep"));
    await writeFile(join(root, "deep", "a.txt"), "by a server that was killed before it could flush");
    await start("disk");
    const appender = await connect("APPEND");
    await appender.control("start");
    assert.ok(flushed.includes(join(root, "deep", "a.txt")), flushed.join(" "));
    assert.equal(await appender.finish(), 49);
  });

  test("disk: bytes that can't be flushed do not count as stored", async () => {
    await start("disk");
    const appender = await connect("APPEND");
    const follower = await connect("FOLLOW");
    await Promise.all([appender.control("start"), follower.control("start")]);
    gate = Promise.reject(Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" }));
    gate.catch(() => {});
    await appender.send("bytes");
    assert.equal((await appender.closed()).code, 1011);
    await follower.closed();
    assert.ok(
      appender.controls.every(({ type }) => type === "start"),
      "there was an ack",
    );
    assert.equal(follower.data.length, 0);
  });
});
