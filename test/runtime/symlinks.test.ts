/** Section 6 of the wire contract, as far as it needs a disk: symlinks never lead out of the root. */
import assert from "node:assert/strict";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type HttpResponse, request } from "../fixture/http.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

describe("symlinks", { timeout: 60_000 }, () => {
  let server: TestServer;
  let outside: string;

  before(async () => {
    server = await startStandalone("node");
    outside = await temporaryFolder("outside");
    await writeFile(join(outside, "secret.txt"), "secret");
    await symlink(join(outside, "secret.txt"), join(server.root, "file.txt"));
    await symlink(outside, join(server.root, "folder"));
    await symlink(join(outside, "not-yet.txt"), join(server.root, "dangling.txt"));
    await mkdir(join(server.root, "real"));
    await symlink(join(server.root, "real"), join(server.root, "inside"));
  });

  after(async () => {
    await server.stop();
    await removeFolder(outside);
  });

  const append = (path: string): Promise<HttpResponse> =>
    request(server.url, { method: "POST", target: `/${path}?verb=APPEND`, body: "x" });

  it("one that leads out is not read, followed or listed", async () => {
    for (const path of ["file.txt", "folder/secret.txt", "folder/", "folder"]) {
      for (const query of ["", "?verb=FOLLOW"]) {
        const read = await request(server.url, { target: `/${path}${query}` });
        assert.ok(read.status >= 400 && read.status < 500, `${path}${query}: ${read.status}`);
        assert.doesNotMatch(read.text, /^secret$/);
      }
      const peer = await WebSocketPeer.open(server.url, { target: `/${path}?verb=FOLLOW` });
      assert.ok((await peer.response()).status >= 400, path);
    }
  });

  it("one that leads out is not written through", async () => {
    for (const path of ["file.txt", "folder/secret.txt", "folder/new.txt", "folder/new/a.txt", "dangling.txt"]) {
      const { status } = await append(path);
      assert.ok(status >= 400 && status < 500, `${path}: ${status}`);
      const peer = await WebSocketPeer.open(server.url, { target: `/${path}?verb=APPEND` });
      assert.ok((await peer.response()).status >= 400, path);
    }
    assert.equal(await readFile(join(outside, "secret.txt"), "utf8"), "secret");
    for (const path of ["new.txt", "new/a.txt", "not-yet.txt"])
      await assert.rejects(readFile(join(outside, path)), path);
  });

  it("one that stays inside works", async () => {
    assert.equal((await append("inside/a.txt")).status, 200);
    assert.equal((await request(server.url, { target: "/real/a.txt" })).text, "x");
  });
});
