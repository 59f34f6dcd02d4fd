/** Section 4 of the wire contract: folders. */
import assert from "node:assert/strict";
import type { Target } from "./target.ts";
import { section } from "./wire.ts";

export function listingSection(target: Target): void {
  section(target, "4 listings", {
    "a folder is listed as HTML": async (wire) => {
      await wire.put("folder/a.txt", "hello");
      await wire.put("folder/sub/b.txt", "hello");
      const listing = await wire.get("folder/", "", { Accept: "text/html,*/*;q=0.8" });
      assert.equal(listing.status, 200);
      assert.match(listing.headers.get("content-type") ?? "", /^text\/html/);
      assert.match(listing.text, /href="[^"]*a\.txt"/);
      assert.match(listing.text, /href="[^"]*sub\/"/);
      assert.equal(listing.headers.get("x-content-type-options"), "nosniff");
    },

    "a folder is listed as JSON by Accept": async (wire) => {
      await wire.put("folder/a.txt", "hello");
      const listing = await wire.get("folder/", "", { Accept: "application/json" });
      assert.match(listing.headers.get("content-type") ?? "", /^application\/json/);
      const text = JSON.stringify(JSON.parse(listing.text));
      assert.match(text, /"a\.txt"/);
      assert.match(text, /\b5\b/, "the size is missing");
    },

    "a folder without its slash is listed, or led to its slash": async (wire) => {
      await wire.put("folder/a.txt", "hello");
      const answer = await wire.get("folder");
      if (answer.status === 200) assert.match(answer.text, /a\.txt/);
      else {
        assert.ok([301, 302, 307, 308].includes(answer.status), `${answer.status}`);
        assert.match(answer.headers.get("location") ?? "", /folder\/$/);
      }
    },

    "names are escaped in HTML": async (wire) => {
      const name = '<img src=x onerror="x">&amp;.txt';
      await wire.put(`folder/${encodeURIComponent(name)}`, "hello");
      const listing = await wire.get("folder/");
      assert.equal(listing.status, 200);
      assert.doesNotMatch(listing.text, /<img/);
      const [, href = ""] = /href="([^"]*img[^"]*)"/.exec(listing.text) ?? [];
      const followed = new URL(href.replaceAll("&amp;", "&"), wire.url("folder/"));
      assert.equal((await wire.send({ target: followed.pathname })).text, "hello");
    },

    "the root does not show what the store keeps for itself": async (wire) => {
      const appender = await wire.appender("a.txt");
      const root = await wire.send({ target: `${wire.mount}/` });
      if (root.status === 200) assert.match(root.text, new RegExp(wire.folder));
      assert.doesNotMatch(root.text, /\.httpfstream/);
      await appender.finish();
    },

    "HEAD of a folder has no body": async (wire) => {
      await wire.put("folder/a.txt", "hello");
      const head = await wire.send({ method: "HEAD", target: wire.at("folder/") });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
    },

    "a folder has no bytes to append to or to follow": async (wire) => {
      await wire.put("folder/a.txt", "hello");
      for (const path of ["folder", "folder/"]) {
        const follow = await (await wire.upgrade({ target: wire.at(path, "verb=FOLLOW") })).response();
        assert.deepEqual([follow.status, (await wire.get(path, "verb=FOLLOW")).status], [409, 409]);
        const append = await wire.send({ method: "POST", target: wire.at(path, "verb=APPEND"), body: "x" });
        assert.ok(append.status === 409 || append.status === 400, `${path}: ${append.status}`);
      }
    },
  });
}
