/** Another program changes the file of a running append. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { until } from "../fixture/until.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";
import { faultTest } from "./standalone.ts";

/** A piece that a stalled follower lags behind for. */
const PIECE: Buffer = Buffer.alloc(1024 * 1024, "o");

/** How the file is changed, what its appender and followers are told, and the content that the next append finds. */
const INTERFERENCES: Record<string, { interfere: (file: string) => void; said: RegExp; left: string; ended: string }> =
  {
    removed: { interfere: (file) => rmSync(file), said: /removed/, left: "", ended: "deleted" },
    truncated: { interfere: (file) => truncateSync(file, 3), said: /truncated/, left: "bef", ended: "replaced" },
    replaced: {
      interfere: (file) => {
        writeFileSync(`${file}.new`, "another file ");
        renameSync(`${file}.new`, file);
      },
      said: /replaced/,
      left: "another file ",
      ended: "replaced",
    },
    "written to": {
      interfere: (file) => appendFileSync(file, "foreign "),
      said: /written to by another program/,
      left: "before foreign ",
      ended: "failed",
    },
  };

for (const [what, { interfere, said, left }] of Object.entries(INTERFERENCES)) {
  faultTest(`a file that is ${what} under a running append`, {}, async ({ peers, root, server }) => {
    const file = join(root, "dir/a.txt");
    const appender = await peers.appender("dir/a.txt");
    const follower = await peers.follower("dir/a.txt");
    const reader = await peers.reader("dir/a.txt");
    await appender.text("before ");
    await Promise.all([follower.received.atLeast(7), reader.body.atLeast(7)]);
    interfere(file);
    await appender.text("never seen ");

    const { code, reason } = await appender.end();
    assert.equal(code, 1011);
    assert.match(reason, said);
    assert.match(reason, /"\/dir\/a\.txt"/);
    assert.ok(!reason.includes(root), "it does not tell where the root is");
    assert.equal((await follower.end()).code, 1000);
    assert.equal(String(follower.received.bytes()), "before ");
    assert.equal(String(await reader.body.remains()), "before ");
    assert.equal(existsSync(file) ? readFileSync(file, "utf8") : "", left);

    const next = await peers.appender("dir/a.txt");
    const late = await peers.follower("dir/a.txt");
    await next.text("after");
    await next.finish();
    assert.equal((await late.end()).code, 1000);
    assert.equal(String(late.received.bytes()), `${left}after`);
    assert.equal(readFileSync(file, "utf8"), `${left}after`);
    assert.equal((await server.stop()).code, 0, server.program.output);
  });
}

for (const [what, { interfere, said, ended }] of Object.entries(INTERFERENCES)) {
  faultTest(`a file that is ${what} under an append that is quiet until its end`, {}, async ({ server, root }) => {
    const open = (target: string): Promise<V1Peer> => V1Peer.open(server.url, { target });
    for (const path of ["dir/ends.txt", "dir/resumes.txt"]) {
      const appender = await open(`/${path}?verb=APPEND`);
      const { session } = await appender.control("start");
      const follower = await open(`/${path}?verb=FOLLOW`);
      await appender.send("before ");
      await appender.acked(7);
      if (path === "dir/resumes.txt") appender.peer.connection.drop();
      interfere(join(root, path));
      if (path === "dir/ends.txt") {
        await appender.say({ type: "end" });
        const { code, reason } = await appender.peer.end();
        assert.equal(code, 1011);
        assert.match(reason, said);
        assert.ok(!appender.controls.some(({ type }) => type === "end"), "it is not told that all is stored");
      } else {
        const target = `/${path}?verb=APPEND&session=${session}`;
        const refusal = await (await WebSocketPeer.open(server.url, { target, headers: OFFER })).response();
        assert.equal(refusal.status, 410, refusal.text);
      }
      assert.deepEqual(await follower.control("end"), { type: "end", offset: 7, reason: ended });
      await (await open(`/${path}?verb=APPEND`)).control("start");
    }
  });
}

faultTest("a file that is removed under an upload", {}, async ({ peers, root }) => {
  const upload = await peers.upload("a.txt");
  await upload.chunk("before");
  const reader = await peers.admittedReader("a.txt");
  await reader.body.atLeast(6);
  rmSync(join(root, "a.txt"));
  await upload.chunk("never seen");
  const { status, headers, text } = await upload.response();
  assert.equal(status, 500);
  assert.equal(headers.get("stream-error"), "changed");
  assert.match(text, /removed/);
  assert.equal(String(await reader.body.remains()), "before");
  await assert.rejects(reader.body.all(), /broke off/);
  await peers.put("a.txt", "after");
  assert.equal(String(await peers.stored("a.txt")), "after");
});

faultTest("a file that is removed while a follower still catches up", {}, async ({ peers, root }) => {
  const bytes = Buffer.alloc(30_000_000, "0123456789");
  await peers.put("a.bin", bytes);
  const appender = await peers.appender("a.bin");
  const behind = await peers.follower("a.bin");
  const download = await peers.exchange({ target: "/a.bin" });
  // The size of the download is fixed before the append continues.
  await download.body.atLeast(1);
  for (const { connection } of [behind, download]) connection.socket.pause();
  const live = await peers.follower("a.bin", { query: "&offset=now" });
  await appender.text("live");
  await live.received.atLeast(4);
  rmSync(join(root, "a.bin"));
  await appender.text("never seen");
  assert.equal((await appender.end()).code, 1011);
  for (const { connection } of [behind, download]) connection.socket.resume();
  assert.equal((await live.end()).code, 1000);
  await behind.end();
  const seen = behind.received.bytes();
  assert.ok(seen.equals(Buffer.concat([bytes, Buffer.from("live")]).subarray(0, seen.length)));
  assert.ok((await download.body.remains()).length <= bytes.length);
  await (await peers.admitted("a.bin")).finish();
});

for (const query of ["", "?verb=FOLLOW"]) {
  faultTest(
    `a file that is cut short while it is read (${query || "GET"}): its connection is cut, and the log says so once`,
    {},
    async ({ peers, root, server }) => {
      await peers.put("a.bin", Buffer.alloc(60_000_000, "0123456789"));
      const download = await peers.exchange({ target: `/a.bin${query}` });
      await download.body.atLeast(1);
      download.connection.socket.pause();
      truncateSync(join(root, "a.bin"), 100);
      download.connection.socket.resume();
      await assert.rejects(download.body.all());
      await server.program.printed(/ERR .*a\.bin/);
      await peers.put("b.txt", "the server goes on");
      assert.doesNotMatch(server.program.output, /^ {4}at /m);
      assert.equal(server.program.output.match(/ERR /g)?.length, 1, server.program.output);
    },
  );
}

faultTest(
  "a follower that lags when the file is replaced gets no byte of the other content",
  {},
  async ({ peers, root, server }) => {
    const appender = await peers.appender("a.bin");
    const follower = await V1Peer.open(server.url, { target: "/a.bin?verb=FOLLOW" });
    const reader = await peers.reader("a.bin");
    await appender.text("o");
    await Promise.all([until("the first byte", () => follower.data.length > 0), reader.body.atLeast(1)]);
    for (const { connection } of [follower.peer, reader]) connection.socket.pause();
    const size = 1 + 32 * PIECE.length;
    for (let sent = 1; sent < size; sent += PIECE.length) await appender.binary(PIECE);
    await until("all of it to be stored", () => statSync(join(root, "a.bin")).size === size);
    writeFileSync(join(root, "other"), Buffer.alloc(size, "n"));
    renameSync(join(root, "other"), join(root, "a.bin"));
    for (const { connection } of [follower.peer, reader]) connection.socket.resume();
    assert.equal((await follower.control("end")).reason, "replaced");
    const bodies = [follower.data, await reader.body.remains()];
    for (const bytes of bodies) assert.equal(bytes.indexOf("n"), -1, `of ${bytes.length} bytes`);
    assert.ok(follower.data.length < size, "what lay behind is gone");
  },
);
