/** Sections 4 and 5 of the wire contract: preconditions apply to appends over every transport. */
import assert from "node:assert/strict";
import type { HttpResponse } from "../../fixture/http.ts";
import { OFFER, V1Peer } from "../../fixture/v1.ts";
import type { Target } from "./target.ts";
import { section, type Wire } from "./wire.ts";

/** The ways to append. Each resolves with the status of the response, and has appended "+" if it succeeded. */
const WAYS: Record<string, Way> = {
  POST: async (wire, path, headers, query = "") =>
    (await wire.send({ method: "POST", target: wire.at(path, `verb=APPEND${query}`), headers, body: "+" })).status,
  PUT: async (wire, path, headers, query = "") => {
    const target = wire.at(path, query.slice(1));
    return (await wire.send({ method: "PUT", target, headers: { ...headers, "X-Verb": "APPEND" }, body: "+" })).status;
  },
  "a classic WebSocket": (...args) => overSocket(false, ...args),
  "httpfstream.v1": (...args) => overSocket(true, ...args),
};

type Way = (wire: Wire, path: string, headers: Record<string, string>, query?: string) => Promise<number>;

async function overSocket(isV1: boolean, ...[wire, path, headers, query = ""]: Parameters<Way>): Promise<number> {
  const target = wire.at(path, `verb=APPEND${query}`);
  const peer = await wire.upgrade({ target, headers: { ...headers, ...(isV1 ? OFFER : {}) }, kind: "binary" });
  const { status } = await peer.head;
  if (status !== 101) {
    assert.notEqual((await peer.response()).text, "");
    return status;
  }
  if (isV1) {
    const v1 = new V1Peer(peer);
    await v1.control("start");
    await v1.send("+");
    await v1.finish();
  } else {
    await peer.send("+");
    await peer.finish();
  }
  await wire.idle(path);
  return 200;
}

async function tagOf(wire: Wire, path: string): Promise<string> {
  return (await wire.get(path)).headers.get("etag") ?? "";
}

/** The ways that can't resume a session. */
const SESSIONLESS = ["POST", "PUT", "a classic WebSocket"];

export function appendConditionsSection(target: Target): void {
  for (const [way, append] of Object.entries(WAYS)) {
    section(target, `4 conditions of an append by ${way}`, {
      "If-None-Match: * only creates": async (wire) => {
        assert.equal(await append(wire, "a.txt", { "If-None-Match": "*" }), 200);
        assert.equal(await append(wire, "a.txt", { "If-None-Match": "*" }), 412);
        assert.equal((await wire.get("a.txt")).text, "+");
      },

      "If-Match needs a path that exists, and creates none": async (wire) => {
        for (const condition of ["*", '"tag"']) {
          assert.equal(await append(wire, "new/a.txt", { "If-Match": condition }), 412, condition);
        }
        assert.equal((await wire.get("new/")).status, 404);
        await wire.put("a.txt", "one");
        assert.equal(await append(wire, "a.txt", { "If-Match": "*" }), 200);
        assert.equal((await wire.get("a.txt")).text, "one+");
      },

      "If-Match with a tag continues exactly behind what was read": async (wire) => {
        await wire.put("a.txt", "one");
        const read = await tagOf(wire, "a.txt");
        assert.equal(await append(wire, "a.txt", { "If-Match": `W/${read}` }), 412);
        assert.equal(await append(wire, "a.txt", { "If-Match": read }), 200);
        assert.equal(await append(wire, "a.txt", { "If-Match": read }), 412);
        assert.equal(await append(wire, "a.txt", { "If-None-Match": await tagOf(wire, "a.txt") }), 412);
        assert.equal(await append(wire, "a.txt", { "If-None-Match": read }), 200);
        assert.equal((await wire.get("a.txt")).text, "one++");
      },

      "If-Unmodified-Since refuses what was written since; the conditions of reads do not count": async (wire) => {
        await wire.put("a.txt", "one");
        const before = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert.equal(await append(wire, "a.txt", { "If-Unmodified-Since": before }), 412);
        assert.equal(await append(wire, "a.txt", { "If-Modified-Since": new Date().toUTCString() }), 200);
        assert.equal((await wire.get("a.txt")).text, "one+");
      },

      ...(SESSIONLESS.includes(way) && {
        "a session, which only httpfstream.v1 has, is refused: nothing is appended without it": async (wire) => {
          await wire.put("a.txt", "one");
          for (const query of ["&session=abc", "&session=", "&session=abc&offset=1", "&session=abc&offset=3"]) {
            for (const headers of [{}, { "If-None-Match": "*" }]) {
              assert.equal(await append(wire, "a.txt", headers, query), 400, query);
            }
          }
          assert.equal((await wire.get("a.txt")).text, "one");
          assert.equal(await append(wire, "a.txt", {}, "&offset=3"), 200);
        },
      }),

      "a path that is taken is 403 before any condition": async (wire) => {
        await wire.appender("a.txt");
        assert.equal(await append(wire, "a.txt", { "If-None-Match": "*" }), 403);
      },
    });
  }

  section(target, "4 conditions of an append", {
    "a browser can ask why its upgrade was refused": async (wire) => {
      await wire.put("a.txt", "one");
      const ask = (headers: Record<string, string>): Promise<HttpResponse> =>
        wire.send({ target: wire.at("a.txt", "verb=APPEND"), headers });
      assert.equal((await ask({ "If-None-Match": "*" })).status, 412);
      assert.equal((await ask({ "If-Match": "*" })).status, 426);
    },

    "of many that may only create the path, one does": async (wire) => {
      const create = (): Promise<HttpResponse> =>
        wire.send({
          method: "POST",
          target: wire.at("a.txt", "verb=APPEND"),
          headers: { "If-None-Match": "*" },
          body: "x",
        });
      const answers = await Promise.all(Array.from({ length: 10 }, create));
      const statuses = answers.map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join());
      assert.ok(
        statuses.every((status) => [200, 403, 412].includes(status)),
        statuses.join(),
      );
      assert.equal((await wire.get("a.txt")).text, "x");
    },
  });
}
