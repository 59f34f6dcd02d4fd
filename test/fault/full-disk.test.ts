/** The disk fills up during an append: the appender gets the reason, and followers get what has been stored. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "../fixture/bytes.ts";
import type { HttpHead } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { NO_SMALL_DISK, type SmallDisk, smallDisk } from "../fixture/small-disk.ts";
import { type Fault, faultTest } from "./standalone.ts";

const MIB = 1024 * 1024;

/** Registers a fault test on each runtime, with the server's root on a disk of 4 MiB. */
function diskTest(what: string, run: (fault: Fault, disk: SmallDisk) => Promise<void>): void {
  for (const runtime of RUNTIMES) {
    let disk: SmallDisk | undefined;
    const prepare = async (): Promise<{ root: string; remove: () => Promise<void> }> => {
      const made = await smallDisk(4 * MIB);
      disk = made;
      return { root: made.folder, remove: () => made.remove() };
    };
    const limits = { storeFreeBytes: 0 };
    faultTest(what, { runtimes: [runtime], skip: NO_SMALL_DISK, prepare, limits }, (fault) =>
      run(fault, disk as SmallDisk),
    );
  }
}

function nextOffset({ headers }: HttpHead): number {
  return Number(headers.get("stream-next-offset"));
}

diskTest("an appender over a WebSocket is closed with 1011 and a message", async ({ peers, root, runtime }) => {
  const bytes = randomBytes(8 * MIB, 1);
  const appender = await peers.appender("a.bin");
  const follower = await peers.follower("a.bin");
  const reader = await peers.reader("a.bin");
  const stalled = await peers.follower("a.bin");
  stalled.connection.socket.pause();
  for (let at = 0; at < bytes.length; at += 100_000) void appender.binary(bytes.subarray(at, at + 100_000));
  const { code, reason } = await appender.end();
  assert.equal(code, 1011);
  assert.match(reason, /"\/a\.bin".*disk is full/);

  const file = readFileSync(join(root, "a.bin"));
  assert.ok(file.length > 2 * MIB && file.equals(bytes.subarray(0, file.length)), `${file.length} bytes are stored`);
  stalled.connection.socket.resume();
  for (const one of [follower, stalled]) {
    assert.equal((await one.end()).code, 1000);
    assert.ok(one.received.bytes().equals(file), "followers have exactly what is stored");
  }
  await assert.rejects(reader.body.all(), /broke off/);
  // On Bun a connection can only be reset, which discards bytes that the client has not read yet.
  const followed = reader.body.bytes();
  if (runtime !== "bun") assert.equal(followed.length, file.length, "a body that is cut has all that is stored");
  assert.ok(followed.equals(file.subarray(0, followed.length)), "a body that is cut has nothing else");
  assert.ok((await peers.stored("a.bin")).equals(file));
});

diskTest("an upload is answered with 507 and a message", async ({ peers, root }, disk) => {
  disk.fill(2 * MIB);
  const bytes = randomBytes(4 * MIB, 2);
  const upload = await peers.upload("a.bin");
  for (let at = 0; at < bytes.length; at += 100_000) void upload.chunk(bytes.subarray(at, at + 100_000));
  const response = await upload.response();
  assert.equal(response.status, 507);
  assert.match(response.text, /"\/a\.bin".*disk is full/);
  assert.equal(response.headers.get("stream-error"), "no_space");
  const stored = readFileSync(join(root, "a.bin"));
  assert.equal(nextOffset(response), stored.length);
  assert.ok(stored.equals(bytes.subarray(0, stored.length)));

  disk.free();
  await peers.put("a.bin", bytes.subarray(stored.length, stored.length + MIB));
  assert.ok((await peers.stored("a.bin")).equals(bytes.subarray(0, stored.length + MIB)));
});

diskTest(
  "a path that can't be created is refused before the upgrade, until there is space",
  async ({ peers }, disk) => {
    disk.fill(8 * MIB);
    const refused = await peers.upgrade("/new/a.txt?verb=APPEND");
    const { status, text, headers } = await refused.response();
    assert.equal(status, 507);
    assert.match(text, /"\/new\/a\.txt".*disk is full/);
    assert.equal(headers.get("stream-error"), "no_space");
    const posted = await peers.send({ method: "POST", target: "/new/a.txt?verb=APPEND", body: "x" });
    assert.equal(posted.status, 507);
    disk.free();
    const appender = await peers.appender("new/a.txt");
    await appender.text("space again");
    await appender.finish();
    await (await peers.admitted("new/a.txt")).finish();
    assert.equal(String(await peers.stored("new/a.txt")), "space again");
  },
);

diskTest("others on the same full disk continue as soon as there is space", async ({ peers }, disk) => {
  const patient = await peers.appender("patient.txt");
  await patient.text("before ");
  await (await peers.follower("patient.txt")).received.atLeast(7);
  disk.fill(8 * MIB);
  const greedy = await peers.appender("greedy.bin").catch(() => undefined);
  for (let count = 0; count < 50; count++) void greedy?.binary(Buffer.alloc(100_000));
  if (greedy) assert.equal((await greedy.end()).code, 1011);
  disk.free();
  const follower = await peers.follower("patient.txt");
  await patient.text("after");
  assert.equal(String(await follower.received.atLeast(12)), "before after");
  await patient.finish();
});
