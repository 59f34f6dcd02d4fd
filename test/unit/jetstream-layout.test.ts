/** Names of the store on JetStream, its options, and what its tests start. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { archivesIn, isRecent, versionIn } from "../../scripts/lib/nats-server.ts";
import { SEGMENT_BYTES } from "../../src/protocol/path.ts";
import { cut } from "../../src/stores/jetstream/claims/put.ts";
import { connectionUrls } from "../../src/stores/jetstream/connection/link.ts";
import { assertVersion } from "../../src/stores/jetstream/connection/monitors.ts";
import { RecentMap } from "../../src/stores/jetstream/connection/recent-map.ts";
import { shardBytesOf } from "../../src/stores/jetstream/layout/ensure.ts";
import { entryName, folderOf, Layout } from "../../src/stores/jetstream/layout/layout.ts";
import { knownShards } from "../../src/stores/jetstream/layout/shard-count.ts";
import { settingsOf } from "../../src/stores/jetstream/options.ts";

const layout = new Layout("hfs", 8);

describe("the subject of a path", () => {
  it("is short, whatever the path is", () => {
    const deep = `${"folder/".repeat(500)}${"ü".repeat(SEGMENT_BYTES >> 1)}`;
    const long = new Layout("abcdefghijklmnop", 64).placeOf(deep).subject;
    assert.ok(long.length < 400, `${long.length} characters`);
    assert.match(long, /^[\w.-]+$/);
  });

  it("tells the name of its entry", () => {
    for (const name of ["a.txt", "*", ">", "a.b.c", " ", "漢字🜁", "é", "-"]) {
      assert.equal(entryName(layout.placeOf(`folder/${name}`).subject), name);
      assert.equal(entryName(layout.about("ses", name)), name);
    }
  });

  it("is among those of its shard, of its folder and of nothing else", () => {
    const { subject, shard, live } = layout.placeOf("a/b/c.txt");
    const prefix = layout.entriesOf("a/b", shard).replace(/\*$/, "");
    assert.ok(subject.startsWith(prefix));
    assert.equal(live, subject.replace("hfs.fs.", "hfs.live."));
    assert.ok(!layout.placeOf("a/bc.txt").subject.startsWith(prefix));
    assert.notEqual(layout.placeOf("a/b").subject, layout.placeOf("a-b").subject);
  });

  it("spreads the paths over all shards", () => {
    const shards = new Set(Array.from({ length: 200 }, (_, at) => layout.placeOf(`path ${at}`).shard));
    assert.equal(shards.size, 8);
  });

  it("belongs to a folder; the root belongs to none", () => {
    assert.deepEqual(["a/b/c", "a", ""].map(folderOf), ["a/b", "", undefined]);
  });
});

describe("the options of jetstreamStore", () => {
  const given = { servers: "nats://n1", unsafeSync: true };

  it("have defaults", () => {
    const { servers, replicas, prefix, leaseMs, tls, user } = settingsOf(given);
    assert.deepEqual(
      [servers, replicas, prefix, leaseMs, tls, user],
      [["n1:4222"], 1, "hfs", 10_000, undefined, undefined],
    );
  });

  it("are refused if they can't be used, and the message has no password", () => {
    const wrong: [object, RegExp][] = [
      [{ servers: [] }, /at least one/],
      [{ servers: "http://me:secret@n1" }, /^(?!.*secret)/],
      [{ replicas: 2 }, /1, 3 or 5/],
      [{ prefix: "A" }, /lower-case/],
      [{ shards: 0 }, /"shards"/],
      [{ leaseMs: 10 }, /"leaseMs"/],
      [{ replica: 3 }, /Did you mean "replicas"/],
      [{ unsafeSync: false }, /sync_interval: always/],
      [{ monitors: ["n1:8222"] }, /"http:\/\/n1:8222"/],
    ];
    for (const [own, message] of wrong) {
      assert.throws(() => settingsOf({ ...given, ...own }), { name: "TypeError", message });
    }
  });

  it("take users, passwords and encryption from URLs", () => {
    const { servers, user, password, isEncrypted } = connectionUrls("tls://me:p%40ss@n1:4333, n2");
    assert.deepEqual([servers, user, password, isEncrypted], [["n1:4333", "n2:4222"], "me", "p@ss", true]);
  });
});

describe("an installation", () => {
  const metadata = { httpfstream_layout: "1", httpfstream_shards: "4" };

  it("keeps its number of shards", () => {
    assert.equal(knownShards("HFS_META", metadata, undefined), 4);
    assert.equal(knownShards("HFS_META", metadata, 4), 4);
    assert.throws(() => knownShards("HFS_META", metadata, 8), /has 4 shards, not 8/);
    assert.throws(() => knownShards("HFS_META", { ...metadata, httpfstream_layout: "2" }, undefined), /layout 2/);
    assert.throws(() => knownShards("HFS_META", undefined, undefined), /not made by httpfstream/);
  });

  it("uses most of the room that there is, or what the operator allows", () => {
    const unknown = { maxBytes: undefined, serverBytes: undefined, replicas: 1 };
    assert.equal(shardBytesOf(unknown, 8, -1), -1);
    assert.equal(shardBytesOf({ ...unknown, maxBytes: 800 }, 8, 10), 100);
    assert.equal(shardBytesOf({ ...unknown, serverBytes: 3_000, replicas: 3 }, 8, -1), 100);
    assert.equal(shardBytesOf({ ...unknown, serverBytes: 3_000 }, 8, 1_000), 100);
  });

  it("needs a recent server", () => {
    for (const version of ["2.12.0", "2.15.1", "3.0.0"]) assertVersion("n1", version);
    assert.throws(() => assertVersion("n1", "2.10.27"), /n1 has version 2.10.27/);
  });
});

describe("helpers", () => {
  it("cut pieces into payloads", () => {
    const pieces = [new Uint8Array([1, 2, 3]), new Uint8Array(), new Uint8Array([4, 5])];
    assert.deepEqual(
      cut(pieces, 2).map((part) => [...part]),
      [[1, 2], [3, 4], [5]],
    );
    assert.deepEqual(
      cut(pieces, 5).map((part) => [...part]),
      [[1, 2, 3, 4, 5]],
    );
    assert.deepEqual(cut([], 5), []);
  });

  it("forget what was not used for longest", () => {
    const map = new RecentMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    map.get("a");
    map.set("c", 3);
    assert.deepEqual([map.get("a"), map.get("b"), map.get("c")], [1, undefined, 3]);
  });

  it("know versions of nats-server, and Debian's archives", () => {
    assert.equal(versionIn("nats-server: v2.15.1\n"), "2.15.1");
    assert.deepEqual([isRecent("2.12.0"), isRecent("2.11.9"), isRecent(undefined)], [true, false, false]);
    const targets =
      "http://one/debian bookworm\nhttp://two/debian testing\nhttp://sec/debian-security bookworm-security\n\n";
    assert.deepEqual(archivesIn(targets, "bookworm"), ["http://one/debian", "http://two/debian"]);
  });
});
