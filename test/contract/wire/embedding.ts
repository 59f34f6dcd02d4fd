/** Sections 4 and 7 of the wire contract: how pages of other sites may use the server's responses. */
import assert from "node:assert/strict";
import type { Target } from "./target.ts";
import { section } from "./wire.ts";

const CROSS_SITE = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors" };

export function embeddingSection(target: Target): void {
  section(target, "7 pages of other sites", {
    "every answer says that only pages of its own origin may embed it": async (wire) => {
      await wire.put("a.txt", "hello");
      const etag = (await wire.get("a.txt")).headers.get("etag") ?? "";
      const answers: [number, string, string, Record<string, string>][] = [
        [200, "a.txt", "", {}],
        [200, "a.txt", "verb=FOLLOW", {}],
        [200, "", "", { Accept: "text/html" }],
        [200, "", "", { Accept: "application/json" }],
        [206, "a.txt", "", { Range: "bytes=1-2" }],
        [304, "a.txt", "", { "If-None-Match": etag }],
        [400, "a//b", "", {}],
        [404, "b.txt", "", {}],
        [409, "a.txt/b", "", {}],
        [416, "a.txt", "", { Range: "bytes=99-" }],
        [416, "a.txt", "offset=99", {}],
        [426, "a.txt", "verb=APPEND", {}],
      ];
      for (const [status, path, query, headers] of answers) {
        const answer = await wire.get(path, query, headers);
        const policy = answer.headers.get("cross-origin-resource-policy");
        assert.deepEqual([status, path, policy], [answer.status, path, "same-origin"]);
      }
      for (const method of ["HEAD", "OPTIONS", "DELETE", "POST"]) {
        const answer = await wire.send({ method, target: wire.at("a.txt") });
        assert.equal(answer.headers.get("cross-origin-resource-policy"), "same-origin", method);
      }
      const refused = await (await wire.upgrade({ target: wire.at("b.txt", "verb=FOLLOW") })).response();
      assert.equal(refused.headers.get("cross-origin-resource-policy"), "same-origin", "a refused upgrade");
    },

    "a page can't frame a listing": async (wire) => {
      await wire.put("a.txt", "hello");
      for (const path of ["", "../"]) {
        const listing = await wire.send({
          target: path ? `${wire.mount}/` : wire.at(""),
          headers: { Accept: "text/html" },
        });
        assert.equal(listing.headers.get("x-frame-options"), "DENY");
        assert.match(listing.headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/);
      }
    },

    "a request that a browser marks as made by another site may read, but not append, without an Origin": async (
      wire,
    ) => {
      await wire.put("a.txt", "hello");
      for (const method of ["POST", "PUT"]) {
        const request = { method, target: wire.at("a.txt", "verb=APPEND"), headers: CROSS_SITE, body: "x" };
        assert.equal((await wire.send(request)).status, 403, method);
      }
      const upgrade = { target: wire.at("a.txt", "verb=APPEND"), headers: { "Sec-Fetch-Site": "Cross-Site" } };
      assert.equal((await (await wire.upgrade(upgrade)).response()).status, 403);
      assert.equal((await wire.get("a.txt", "", CROSS_SITE)).text, "hello");
      for (const site of ["same-origin", "none"]) {
        const request = {
          method: "POST",
          target: wire.at("a.txt", "verb=APPEND"),
          headers: { "Sec-Fetch-Site": site },
          body: "!",
        };
        assert.equal((await wire.send(request)).status, 200, site);
      }
      assert.equal((await wire.get("a.txt")).text, "hello!!");
    },
  });
}
