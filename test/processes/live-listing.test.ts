/** Live listings of a folder that several processes share, and that other programs change. */
import assert from "node:assert/strict";
import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { RUNTIMES } from "../fixture/processes.ts";
import { RowEvents } from "../fixture/row-events.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { within } from "../fixture/until.ts";
import { V1Peer } from "../fixture/v1.ts";

for (const runtime of RUNTIMES) {
  describe(`a live listing on ${runtime}`, { timeout: 120_000 }, () => {
    let one: TestServer;
    let two: TestServer;

    before(async () => {
      one = await startStandalone(runtime);
      two = await startStandalone(runtime, { root: one.root });
    });

    after(async () => {
      await expectCleanStop(two);
      await expectCleanStop(one);
    });

    it("shows the append of another process, and how it ends", async () => {
      await fetch(`${one.url}/builds/old.log?verb=APPEND`, { method: "PUT", body: "old" });
      const { body } = await fetch(`${two.url}/builds/?live=sse`);
      assert.ok(body);
      const events = RowEvents.reading(body);
      assert.deepEqual(
        (await events.listed()).entries?.map(({ name }) => name),
        ["old.log"],
      );
      const appender = await V1Peer.open(one.url, { target: "/builds/new.log?verb=APPEND" });
      await appender.control("start");
      await events.row("new.log", ({ appending }) => appending);
      await appender.send("hello");
      await events.row("new.log", ({ size, appending }) => size === 5 && appending);
      await appender.finish();
      const { reason } = await events.row("new.log", (row) => !row.appending && row.reason !== undefined);
      assert.equal(reason, "complete");
    });

    it("shows the changes that other programs make to files", async () => {
      const folder = join(one.root, "files");
      await mkdir(folder);
      await writeFile(join(folder, "a.txt"), "one");
      const { body } = await fetch(`${one.url}/files/?live=sse`);
      assert.ok(body);
      const events = RowEvents.reading(body);
      await events.row("a.txt", ({ size }) => size === 3);
      await appendFile(join(folder, "a.txt"), " two");
      await mkdir(join(folder, "sub"));
      await events.row("a.txt", ({ size }) => size === 7);
      assert.equal((await events.row("sub")).kind, "folder");
      await rm(join(folder, "a.txt"));
      await events.gone("a.txt");
      await rm(folder, { recursive: true });
      await within(events.ended, "the end of the listing");
      assert.equal((await fetch(`${one.url}/files/?live=sse`)).status, 404);
    });
  });
}
