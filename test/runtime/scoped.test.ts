/** A mount with a parameter and a `scope`, on each runtime's own server: every user has a folder. */
import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { append, follow } from "../../src/client/mod.ts";
import { listingSection } from "../contract/wire/listing.ts";
import { pathsSection } from "../contract/wire/paths.ts";
import { HttpExchange, request } from "../fixture/http.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startMounted, type TestServer } from "../fixture/servers.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";
import { DIFFERENCES } from "./differences.ts";

const ADA = MOUNTS.scoped.replace(":user", "ada");
const BOB = MOUNTS.scoped.replace(":user", "bob");

for (const runtime of RUNTIMES) {
  const server = await startMounted(runtime);
  describe(`a mount with a scope on ${runtime}`, { concurrency: 4, timeout: 120_000 }, () => {
    after(() => expectCleanStop(server));
    cases(server);
    const target = { name: `scoped on ${runtime}`, url: server.url + ADA, differs: DIFFERENCES[runtime] };
    listingSection(target);
    pathsSection(target);
  });
}

function cases({ url, root }: TestServer): void {
  it("keeps the same path of two users apart, over every transport", async () => {
    for (const [mount, text] of [
      [ADA, "hers"],
      [BOB, "his"],
    ] as const) {
      await request(url, { method: "PUT", target: `${mount}/dir/http.txt?verb=APPEND`, body: text });
      const classic = await (
        await WebSocketPeer.open(url, { target: `${mount}/dir/classic.txt?verb=APPEND`, kind: "binary" })
      ).opened();
      await classic.send(text);
      await classic.finish();
      const v1 = await V1Peer.open(url, { target: `${mount}/dir/v1.txt?verb=APPEND` });
      await v1.control("start");
      await v1.send(text);
      await v1.finish();
      await append(`${url}${mount}/dir/client.txt`, text);
    }
    for (const [user, mount, text] of [
      ["ada", ADA, "hers"],
      ["bob", BOB, "his"],
    ] as const) {
      for (const name of ["http.txt", "classic.txt", "v1.txt", "client.txt"]) {
        const stored = await readFile(join(root, "scoped", "users", user, "dir", name), "utf8");
        const read = await request(url, { target: `${mount}/dir/${name}` });
        let followed = "";
        for await (const chunk of follow(`${url}${mount}/dir/${name}`)) followed += Buffer.from(chunk);
        assert.deepEqual([stored, read.text, followed], [text, text, text], name);
      }
    }
  });

  it("follows one user's append only through that user's mount", async () => {
    const appender = await (
      await WebSocketPeer.open(url, { target: `${ADA}/live.txt?verb=APPEND`, kind: "binary" })
    ).opened();
    const follower = await HttpExchange.start(url, { target: `${ADA}/live.txt?verb=FOLLOW` });
    await appender.send("live");
    await follower.body.atLeast(4);
    const other = await request(url, { target: `${BOB}/live.txt?verb=FOLLOW` });
    assert.deepEqual([other.status, other.text], [404, `"${BOB}/live.txt" does not exist.\n`]);
    await appender.finish();
    assert.equal(String(await follower.body.all()), "live");
  });

  it("does not resume the session of one user through another user's mount", async () => {
    const first = await V1Peer.open(url, { target: `${ADA}/session.txt?verb=APPEND` });
    const { session } = await first.control("start");
    await first.send("one ");
    await first.acked(4);
    first.peer.connection.drop();
    for (const path of ["session.txt", "other.txt"]) {
      const target = `${BOB}/${path}?verb=APPEND&session=${session}`;
      const refused = await (await WebSocketPeer.open(url, { target, headers: OFFER })).response();
      assert.equal(refused.status, 410);
      assert.doesNotMatch(refused.text, /users/);
      assert.equal((await request(url, { target: `${BOB}/${path}` })).status, 404);
    }
    const again = await V1Peer.open(url, { target: `${ADA}/session.txt?verb=APPEND&session=${session}` });
    assert.equal((await again.control("start")).offset, 4);
    await again.send("two");
    assert.equal(await again.finish(), 7);
  });

  it("names paths in refusals and close reasons as the client knows them", async () => {
    const target = `${ADA}/taken.txt?verb=APPEND`;
    const appender = await (await WebSocketPeer.open(url, { target, kind: "binary" })).opened();
    const taken = await (await WebSocketPeer.open(url, { target })).response();
    assert.equal(taken.status, 403);
    assert.ok(taken.text.includes(`"${ADA}/taken.txt"`), taken.text);
    await rm(join(root, "scoped", "users", "ada", "taken.txt"));
    await appender.send("lost");
    const { code, reason } = await appender.end();
    assert.deepEqual([code, reason.startsWith(`"${ADA}/taken.txt"`)], [1011, true], reason);
    assert.doesNotMatch(reason + taken.text, /users/);
  });

  it("refuses a user whose name could lead to another folder", async () => {
    for (const user of ["a%2Fb", "ada%2F..%2Fbob", "a%5Cb", "a%00", "%2e%2e%2fbob", "%2Fbob", ".httpfstream", "%zz"]) {
      const mount = MOUNTS.scoped.replace(":user", user);
      const write = await request(url, { method: "PUT", target: `${mount}/x.txt?verb=APPEND`, body: "x" });
      assert.equal(write.status, 400, `${user}: ${write.text}`);
      const upgrade = await WebSocketPeer.open(url, { target: `${mount}/x.txt?verb=APPEND`, headers: OFFER });
      assert.equal((await upgrade.response()).status, 400, user);
      assert.equal((await request(url, { target: `${mount}/` })).status, 400, user);
    }
  });
}
