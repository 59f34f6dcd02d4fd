/** Section 12 of the wire contract: live listings of folders. */
import assert from "node:assert/strict";
import { RowEvents } from "../../fixture/row-events.ts";
import type { Target } from "./target.ts";
import { section, type Wire } from "./wire.ts";

const APPENDS = 100;

/** Opens the live listing of a folder. */
async function watched(wire: Wire, path: string, headers: Record<string, string> = {}): Promise<RowEvents> {
  const exchange = await wire.start({ target: wire.at(path, "live=sse"), headers });
  const { status, headers: given } = await exchange.head;
  assert.equal(status, 200);
  assert.match(given.get("content-type") ?? "", /^text\/event-stream/);
  assert.match(given.get("cache-control") ?? "", /no-store/);
  for (const name of ["stream-generation", "stream-appending", "stream-ended", "stream-start-offset"]) {
    assert.equal(given.get(name), null, name);
  }
  const events = new RowEvents(() => exchange.body.bytes().toString());
  await events.listed();
  return events;
}

export function liveListingSection(target: Target): void {
  section(target, "12 live listings", {
    "a list comes first, with the rows of the JSON listing": async (wire) => {
      await wire.put("folder/a.txt", "hello");
      await wire.put("folder/sub/b.txt", "hello");
      const appender = await wire.appender("folder/live.txt");
      const listing = await wire.get("folder/", "", { Accept: "application/json" });
      const { path, entries } = await (await watched(wire, "folder/")).listed();
      const json = JSON.parse(listing.text) as { path: string; entries: { kind: string }[] };
      assert.equal(path, json.path);
      // Only a live listing knows what happens below a folder.
      const expected = json.entries.map((row) => ({ ...row, appending: row.kind === "file" && isLive(row) }));
      assert.deepEqual(entries, expected);
      assert.equal(entries?.length, 3);
      await appender.finish();
    },

    "an append is seen from its beginning to its end": async (wire) => {
      await wire.put("folder/a.txt", "hello");
      const events = await watched(wire, "folder/");
      const appender = await wire.appender("folder/a.txt");
      await events.row("a.txt", ({ appending }) => appending);
      await appender.send(" world");
      await events.row("a.txt", ({ size, appending }) => size === 11 && appending);
      await appender.finish();
      const { kind, reason } = await events.row("a.txt", ({ appending }) => !appending);
      assert.deepEqual([kind, reason], ["file", "complete"]);
      const upload = await wire.startPut("folder/a.txt");
      await upload.chunk("!");
      await events.row("a.txt", ({ size, appending }) => size === 12 && appending);
      upload.connection.drop();
      assert.equal((await events.row("a.txt", ({ appending }) => !appending)).reason, "lost");
    },

    "changes of one row are told together": async (wire) => {
      await wire.put("folder/a.txt", "");
      const events = await watched(wire, "folder/");
      const appender = await wire.appender("folder/a.txt");
      for (let sent = 1; sent <= APPENDS; sent++) {
        await appender.send("x");
        if (sent % 10 === 0) await wire.get("folder/a.txt", "tail=1");
      }
      await events.row("a.txt", ({ size }) => size === APPENDS);
      await appender.finish();
      await events.row("a.txt", ({ appending }) => !appending);
      assert.ok(events.changesOf("a.txt").length < APPENDS / 2, `${events.changesOf("a.txt").length}`);
    },

    "rows appear and go": async (wire) => {
      await wire.put("folder/a.txt", "hello");
      const events = await watched(wire, "folder/");
      await wire.put("folder/new.txt", "hello");
      await events.row("new.txt", ({ size, appending }) => size === 5 && !appending);
      await wire.put("folder/deep/er/b.txt", "hello");
      assert.equal((await events.row("deep")).kind, "folder");
      const created = await wire.send({ method: "PUT", target: wire.at("folder/created.txt"), body: "hello" });
      assert.equal(created.status, 201);
      await events.row("created.txt", ({ size }) => size === 5);
      const removed = await wire.send({ method: "DELETE", target: wire.at("folder/created.txt") });
      assert.equal(removed.status, 204);
      await events.gone("created.txt");
      assert.deepEqual(events.kindsOf("created.txt").slice(-2), ["change", "gone"]);
    },

    "a folder is live while something below it is": async (wire) => {
      const elsewhere = wire.differs("folders elsewhere");
      if (elsewhere) return wire.skip(elsewhere);
      await wire.put("folder/sub/deep/a.txt", "hello");
      const events = await watched(wire, "folder/");
      assert.equal(events.rows.get("sub")?.appending, false);
      const appender = await wire.appender("folder/sub/deep/a.txt");
      await events.row("sub", ({ appending }) => appending);
      const late = await watched(wire, "folder/");
      assert.equal(late.rows.get("sub")?.appending, true);
      const other = await wire.appender("folder/sub/b.txt");
      await appender.finish();
      await wire.idle("folder/sub/deep/a.txt");
      assert.equal((await watched(wire, "folder/")).rows.get("sub")?.appending, true);
      await other.finish();
      await events.row("sub", ({ appending }) => !appending);
    },

    "what a client has seen before does not matter": async (wire) => {
      await wire.put("folder/a.txt", "hello");
      const events = await watched(wire, "folder/", { "Last-Event-ID": "17", Accept: "text/event-stream" });
      assert.deepEqual(
        events.all[0]?.data.entries?.map(({ name }) => name),
        ["a.txt"],
      );
    },

    "names are told exactly": async (wire) => {
      const names = ["a b", 'q"q', "é\u2028ü", "\u{1f701}", "data: x"];
      await wire.put("folder/a.txt", "");
      const events = await watched(wire, "folder/");
      for (const name of names) await wire.put(`folder/${encodeURIComponent(name)}`, name);
      for (const name of names) await events.row(name, ({ size }) => size === Buffer.byteLength(name));
    },

    "only a folder with its slash has one": async (wire) => {
      await wire.put("folder/a.txt", "hello");
      const cases: [string, string, number][] = [
        ["folder", "live=sse", 400],
        ["folder/", "live=long-poll", 400],
        ["folder/", "live=other", 400],
        ["folder/a.txt", "live=sse", 400],
        ["folder/a.txt/", "live=sse", 404],
        ["none/", "live=sse", 404],
      ];
      for (const [path, query, expected] of cases) {
        const { status, text } = await wire.get(path, query);
        assert.equal(status, expected, `${path}?${query}: ${text}`);
      }
      const head = await wire.send({ method: "HEAD", target: wire.at("folder/", "live=sse") });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      assert.match(head.headers.get("content-type") ?? "", /^text\/event-stream/);
    },
  });
}

function isLive(row: object): boolean {
  return "appending" in row && row.appending === true;
}
