/** Two processes of a machine: one reports its appends, the other one hears of them. */
import assert from "node:assert/strict";
import fs, {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { AppendReporter } from "../../src/stores/file/peers/append-reporter.ts";
import { Links, type PeerReport } from "../../src/stores/file/peers/links.ts";
import type { OwnerRecord } from "../../src/stores/file/processes/owner-record.ts";
import { ownIdentity } from "../../src/stores/file/processes/process-identity.ts";
import { type Reserved, reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { SocketFolder, socketName, sweepSockets } from "../../src/stores/file/reserved/sockets.ts";
import { fakeClock } from "../fixture/other-process.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const NO_SOCKETS = process.platform === "win32" ? "this system has no such sockets" : false;

interface Place {
  readonly reserved: Reserved;
  readonly appending: OwnerRecord;
  readonly following: OwnerRecord;
  readonly wanted: string[];
  readonly reporter: AppendReporter;
  readonly links: Links;
}

function place(root: string): Place {
  const reserved = reservedIn(root);
  const appending = { id: "aaaa-1", ...ownIdentity() };
  const following = { id: "ffff-2", ...ownIdentity() };
  const wanted: string[] = [];
  const reporter = new AppendReporter(reserved, appending, (key) => wanted.push(key));
  return { reserved, appending, following, wanted, reporter, links: new Links(reserved, following) };
}

function peerTest(what: string, run: (at: Place, t: TestContext) => Promise<void>, below = ""): void {
  test(what, { skip: NO_SOCKETS, timeout: 20_000 }, async (t) => {
    const root = realpathSync(await temporaryFolder("peers"));
    const served = join(root, below);
    mkdirSync(join(served, ".httpfstream"), { recursive: true });
    try {
      await run(place(served), t);
    } finally {
      await removeFolder(root);
    }
  });
}

/** What a listener has heard, in short. */
function heard(links: Links, key: string): { readonly news: string[]; readonly stop: () => void } {
  const news: string[] = [];
  const stop = links.watch(key, ({ type, size, bytes, reason, generation }: PeerReport) => {
    news.push([type, size, bytes && Buffer.from(bytes).toString(), generation, reason].filter(Boolean).join(" "));
  });
  return { news, stop };
}

async function reports({ reporter, links, reserved, appending, wanted }: Place): Promise<void> {
  const append = { generation: "g1", offset: 5, stream: undefined as { closed?: boolean } | undefined };
  const report = reporter.begins("key", append);
  await until("the socket", () => existsSync(join(reserved.sockets, socketName(appending))));
  const { news, stop } = heard(links, "key");
  const other = heard(links, "other");
  await until("the first news", () => news.length > 0 && other.news.length > 0);
  assert.deepEqual([news, other.news], [["state 5 g1"], ["none"]]);
  append.offset = 8;
  report.grown(Buffer.from("abc"));
  await until("growth", () => news.length > 1);
  report.ended(8, "complete");
  await until("the end", () => news.length > 2);
  assert.deepEqual(news.slice(1), ["grown 8 abc", "ended 8 complete"]);
  const again = reporter.begins("key", { generation: "g2", offset: 8 });
  again.ended(8, undefined);
  await until("the next append", () => news.length > 4);
  assert.deepEqual(news.slice(3), ["state 8 g2", "ended 8"]);
  stop();
  links.wants("key");
  await until("the request", () => wanted.length > 0);
  reporter.begins("key", append);
  assert.deepEqual([news.length, wanted], [5, ["key"]]);
  other.stop();
}

peerTest("appends are reported from when they begin until they end", reports);

peerTest(
  "the same where the path of the folder is too long for a socket",
  reports,
  process.platform === "linux" ? "long/".repeat(40) : "",
);

peerTest("only the user of the server reaches its socket", async ({ reporter, reserved, appending }) => {
  reporter.open();
  const file = join(reserved.sockets, socketName(appending));
  await until("the socket", () => existsSync(file) && (statSync(file).mode & 0o777) === 0o600);
  assert.equal(statSync(reserved.sockets).mode & 0o777, 0o700);
});

peerTest("a process that begins later is found", async ({ reporter, links, wanted }) => {
  const { news, stop } = heard(links, "key");
  reporter.begins("key", { generation: "g", offset: 1 });
  await until("the news", () => news.length > 0);
  assert.deepEqual([news, wanted], [["state 1 g"], []]);
  stop();
});

peerTest("a socket that is not used any more is closed, until the next append", async (at, t) => {
  const { reporter, links, reserved, appending } = at;
  t.mock.timers.enable({ apis: ["setInterval"] });
  // Also for what imports it from `node:timers`.
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.timers.reset();
    syncBuiltinESMExports();
  });
  const file = join(reserved.sockets, socketName(appending));
  const pass = (): void => t.mock.timers.tick(30_000);
  const report = reporter.begins("key", { generation: "g", offset: 1 });
  await until("the socket", () => existsSync(file));
  const { news, stop } = heard(links, "key");
  await until("the news", () => news.length > 0);
  report.ended(1, "complete");
  await until("the end", () => news.length > 1);
  pass();
  assert.ok(existsSync(file), "another process waits");
  stop();
  const again = heard(links, "other");
  await until("the answer", () => again.news.length > 0);
  again.stop();
  await until("the close", () => {
    pass();
    return !existsSync(file);
  });
  const next = reporter.begins("key", { generation: "g", offset: 1 });
  await until("the socket", () => existsSync(file));
  pass();
  assert.ok(existsSync(file), "there is an append");
  next.ended(1, "complete");
  reporter.open(true);
  pass();
  assert.ok(existsSync(file), "it is to stay");
});

peerTest("many short watches share a search", async ({ links, reserved, reporter, appending }, t) => {
  const clock = fakeClock(t);
  const stops = [heard(links, "a").stop];
  reporter.open();
  await until("the socket", () => existsSync(join(reserved.sockets, socketName(appending))));
  const { news, stop } = heard(links, "b");
  stops.push(stop);
  const readdir = t.mock.method(fs, "readdirSync");
  syncBuiltinESMExports();
  try {
    for (let count = 0; count < 100; count++) heard(links, "c").stop();
    assert.equal(readdir.mock.callCount(), 0);
    clock.nowMs += 50;
    for (let count = 0; count < 100; count++) heard(links, "c").stop();
    assert.equal(readdir.mock.callCount(), 1);
  } finally {
    readdir.mock.restore();
    syncBuiltinESMExports();
  }
  await until("the news", () => news.length > 0);
  for (const end of stops) end();
});

peerTest("a process can wait at very many paths", async ({ reporter, links }) => {
  const COUNT = 30_000;
  let states = 0;
  const stops = Array.from({ length: COUNT }, (_, at) =>
    links.watch(String(at).padStart(40, "0"), ({ type }) => {
      if (type !== "gone") states++;
    }),
  );
  reporter.open();
  await until("an answer for each", () => states === COUNT);
  for (const stop of stops) stop();
});

peerTest("a process that ends is gone, and one that says something else is left alone", async ({ reserved, links }) => {
  const other = { ...ownIdentity(), id: "oooo-3" };
  mkdirSync(reserved.sockets, { recursive: true });
  chmodSync(reserved.sockets, 0o700);
  const folder = new SocketFolder(reserved);
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on("error", () => {});
    socket.end("something else that is longer than a header");
  });
  server.listen({ path: folder.pathOf(socketName(other)) });
  const { news, stop } = heard(links, "key");
  await until("a connection", () => connections > 0);
  stop();
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual([news, connections], [[], 1]);
  folder.close();
});

peerTest(
  "the sockets of processes that have ended are removed, and no others",
  async ({ reserved, reporter, appending }) => {
    reporter.open();
    const own = socketName(appending);
    await until("the socket", () => existsSync(join(reserved.sockets, own)));
    const [machine, namespace] = own.split("_");
    // A process of this machine that has ended, and one of another machine.
    for (const name of [`${machine}_${namespace}_1_0_dead`, `elsewher_${namespace}_1_1_dead`]) {
      const left = createServer();
      await new Promise<void>((resolve) => left.listen({ path: new SocketFolder(reserved).pathOf("left") }, resolve));
      linkSync(join(reserved.sockets, "left"), join(reserved.sockets, name));
      await new Promise((resolve) => left.close(resolve));
    }
    writeFileSync(join(reserved.sockets, `${machine}_${namespace}_${process.pid}_${appending.started}_live`), "");
    await sweepSockets(reserved, { ...appending, id: "ssss-4" });
    const names = readdirSync(reserved.sockets);
    assert.ok(names.includes(own), "this process lives");
    assert.ok(names.some((name) => name.endsWith("_live")));
    assert.ok(!names.includes(`${machine}_${namespace}_1_0_dead`));
  },
);
