/** Section 4 of the wire contract: the id of a request. */
import assert from "node:assert/strict";
import type { Target } from "./target.ts";
import { section } from "./wire.ts";

const HEADER = "x-request-id";

/** Ids that must come back as they were sent. */
const GOOD = ["1", "a.b_c:d/e+f=g@h-I9", "x".repeat(128)];

/** Values that could not be logged, or are too long. */
const BAD = ["", "a b", "a,b", 'a"b', "a\u00e9", "<b>", "x".repeat(129)];

export function requestIdsSection(target: Target): void {
  section(target, "4 the id of a request", {
    "every response has an id of its own": async (wire) => {
      await wire.put("a.txt", "hello");
      const etag = (await wire.get("a.txt")).headers.get("etag") ?? "";
      const answers = [
        await wire.put("b.txt", "hello"),
        await wire.get("a.txt"),
        await wire.get("a.txt", "verb=FOLLOW"),
        await wire.get("", "", { Accept: "application/json" }),
        await wire.get("a.txt", "", { Range: "bytes=1-2" }),
        await wire.get("a.txt", "", { "If-None-Match": etag }),
        await wire.get("a//b"),
        await wire.get("none.txt"),
        await wire.get("a.txt", "verb=APPEND"),
        await wire.send({ method: "HEAD", target: wire.at("a.txt") }),
        await wire.send({ method: "DELETE", target: wire.at("none.txt") }),
        await (await wire.upgrade({ target: wire.at("none.txt", "verb=FOLLOW") })).response(),
      ];
      const ids = answers.map(({ headers }) => headers.get(HEADER) ?? "none");
      for (const id of ids) assert.match(id, /^[\w-]{36}$/);
      assert.equal(new Set(ids).size, answers.length, ids.join("\n"));
    },

    "an id that a client or a proxy has given comes back, also with a refusal": async (wire) => {
      await wire.put("a.txt", "hello");
      for (const id of GOOD) {
        for (const path of ["a.txt", "none.txt"]) {
          assert.equal((await wire.get(path, "", { "X-Request-Id": id })).headers.get(HEADER), id);
        }
      }
    },

    "an id that could not be logged is replaced": async (wire) => {
      await wire.put("a.txt", "hello");
      for (const id of BAD) {
        const { headers } = await wire.get("a.txt", "", { "X-Request-Id": id });
        assert.match(headers.get(HEADER) ?? "none", /^[\w-]{36}$/, JSON.stringify(id));
      }
    },

    "a granted upgrade has it, too": async (wire) => {
      const differs = wire.differs("upgrade headers");
      if (differs) return wire.skip(differs);
      const headers = { "X-Request-Id": "append-1" };
      const appender = await wire.appender("a.txt", { headers });
      assert.equal((await appender.head).headers.get(HEADER), "append-1");
      const follower = await wire.follower("a.txt");
      assert.match((await follower.head).headers.get(HEADER) ?? "none", /^[\w-]{36}$/);
    },
  });
}
