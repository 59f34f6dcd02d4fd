/** Section 4 of the wire contract: listings of folders. */
import assert from "node:assert/strict";
import type { Target } from "./target.ts";
import { section, type Wire } from "./wire.ts";

interface Row {
  readonly name: string;
  readonly kind: string;
  readonly size: number;
  readonly modified: string;
  readonly appending: boolean;
}

async function list(wire: Wire, path: string, query = ""): Promise<{ headers: Headers; rows: Row[]; next?: string }> {
  const { headers, status, text } = await wire.get(path, query, { Accept: "application/json" });
  assert.equal(status, 200, text);
  const { entries, next } = JSON.parse(text) as { entries: Row[]; next?: string };
  return { headers, rows: entries, ...(next === undefined ? {} : { next }) };
}

function namesOf({ rows }: { rows: readonly Row[] }): string[] {
  return rows.map(({ name }) => name);
}

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

    "a row has a name, a kind, a size, a time, and whether it has an appender": async (wire) => {
      await wire.put("folder/idle.txt", "hello");
      await wire.put("folder/sub/b.txt", "hello");
      const appender = await wire.appender("folder/live.txt");
      const { headers, rows, next } = await list(wire, "folder/");
      assert.match(headers.get("content-type") ?? "", /^application\/json/);
      const shown = rows.map(({ modified, ...row }) => {
        assert.match(modified, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        return row;
      });
      assert.deepEqual(shown, [
        { name: "idle.txt", kind: "file", size: 5, appending: false },
        { name: "live.txt", kind: "file", size: 0, appending: true },
        { name: "sub", kind: "folder", size: 0, appending: false },
      ]);
      assert.equal(next, undefined);
      await appender.finish();
      await wire.idle("folder/live.txt");
      assert.ok((await list(wire, "folder/")).rows.every(({ appending }) => !appending));
    },

    "limit and after page through a folder, in the order of the names' bytes": async (wire) => {
      const names = ["B", "a b", "a-b", "ab", "\u00e9", "\ufb01", "\u{1f701}"];
      for (const name of names) await wire.put(`folder/${encodeURIComponent(name)}`, name);
      assert.deepEqual(namesOf(await list(wire, "folder/")), names);
      const paged: string[] = [];
      let after = "";
      for (let pages = 1; ; pages++) {
        const page = await list(wire, "folder/", `limit=3&after=${encodeURIComponent(after)}`);
        paged.push(...namesOf(page));
        if (page.next === undefined) {
          assert.equal(pages, 3);
          break;
        }
        assert.deepEqual([page.rows.length, page.next], [3, paged.at(-1)]);
        after = page.next;
      }
      assert.deepEqual(paged, names);
      assert.equal((await list(wire, "folder/", "limit=7")).next, undefined, "nothing is left behind the last");
      for (const limit of ["0", "-1", "x", "", "1.5"]) {
        assert.equal((await wire.get("folder/", `limit=${limit}`)).status, 400, limit);
      }
    },

    "a page shows a part, and leads to the next": async (wire) => {
      for (const name of ["a&b", "c d", "e"]) await wire.put(`folder/${encodeURIComponent(name)}`, name);
      const first = await wire.get("folder/", "limit=2");
      const [, next = ""] = /<a rel="next" href="([^"]*)"/.exec(first.text) ?? [];
      assert.doesNotMatch(first.text, />e</);
      const target = next.replaceAll("&amp;", "&");
      const second = await wire.send({ target });
      assert.match(second.text, />e</);
      assert.doesNotMatch(second.text, />c d<|rel="next"/);
    },

    "a page shows its times with their zone": async (wire) => {
      await wire.put("folder/a.txt", "hello");
      const time = /<time datetime="(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{3}Z">\1 \2 UTC<\/time>/;
      assert.match((await wire.get("folder/")).text, time);
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

    "the root does not list the reserved folder": async (wire) => {
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
