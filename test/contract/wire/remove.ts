/** Section 14 of the wire contract: removing. */
import assert from "node:assert/strict";
import type { HttpResponse } from "../../fixture/http.ts";
import { until } from "../../fixture/until.ts";
import type { Target } from "./target.ts";
import { append, resume } from "./v1.ts";
import { type Cases, section, type Wire } from "./wire.ts";

const UNSUPPORTED = "this server lets no client remove what was appended; start it with --deletes all";

/** Removes a path of the case's folder. */
function remove(wire: Wire, path: string, headers: Record<string, string> = {}, query = ""): Promise<HttpResponse> {
  return wire.send({ method: "DELETE", target: wire.at(path, query), headers });
}

/** Whether the server lets clients remove what was appended; if not, the case is skipped. */
async function canRemove(wire: Wire): Promise<boolean> {
  await wire.put("probe.txt", "x");
  const { status } = await remove(wire, "probe.txt");
  if (status === 405) wire.skip(UNSUPPORTED);
  else assert.equal(status, 204);
  return status === 204;
}

export function removeSection(target: Target): void {
  section(target, "14 removing", {
    "DELETE removes a resource, and the next append begins other content": async (wire) => {
      if (!(await canRemove(wire))) return;
      await wire.put("a.txt", "old bytes");
      const old = await wire.get("a.txt");
      assert.equal((await remove(wire, "a.txt")).status, 204);
      assert.equal((await wire.get("a.txt")).status, 404);
      assert.equal((await remove(wire, "a.txt")).status, 404);
      await wire.put("a.txt", "new");
      const read = await wire.get("a.txt");
      assert.equal(read.text, "new");
      assert.notEqual(read.headers.get("stream-generation"), old.headers.get("stream-generation"));
    },

    "DELETE of what does not exist is a 404, also below a folder that does not exist": async (wire) => {
      for (const path of ["none.txt", "no/such/folder.txt"]) {
        const response = await remove(wire, path);
        assert.equal(response.status, 404, path);
        assert.equal(response.headers.get("stream-error"), "not_found");
      }
    },

    ...WHILE_APPENDED,

    "the conditions of a DELETE hold: 412, and nothing is removed": async (wire) => {
      if (!(await canRemove(wire))) return;
      await wire.put("a.txt", "12345");
      const { headers } = await wire.get("a.txt");
      const etag = headers.get("etag") ?? "";
      const generation = headers.get("stream-generation");
      for (const [condition, query] of [
        [{ "If-Match": '"other"' }, ""],
        [{ "If-None-Match": etag }, ""],
        [{ "If-Unmodified-Since": "Thu, 01 Jan 2015 00:00:00 GMT" }, ""],
        [{}, "offset=4"],
        [{}, "generation=other"],
      ] as const) {
        const response = await remove(wire, "a.txt", condition, query);
        assert.equal(response.status, 412, JSON.stringify([condition, query]));
      }
      assert.equal((await wire.get("a.txt")).text, "12345");
      const met = await remove(wire, "a.txt", { "If-Match": etag }, `offset=5&generation=${generation}`);
      assert.equal(met.status, 204);
    },

    "a folder is not removed: 409": async (wire) => {
      await wire.put("folder/a.txt", "x");
      for (const path of ["folder", "folder/"]) {
        const response = await remove(wire, path);
        assert.equal(response.status, 409, path);
        assert.equal(response.headers.get("stream-error"), "path_conflict");
      }
      assert.equal((await wire.get("folder/a.txt")).text, "x");
    },

    "a foreign page can't remove": async (wire) => {
      await wire.put("a.txt", "x");
      for (const headers of [{ Origin: "https://elsewhere.example" }, { "Sec-Fetch-Site": "cross-site" }]) {
        assert.equal((await remove(wire, "a.txt", headers)).status, 403, JSON.stringify(headers));
      }
      assert.equal((await wire.get("a.txt")).text, "x");
    },

    "DELETE with a verb is a 405, with the methods in Allow": async (wire) => {
      await wire.put("a.txt", "x");
      for (const verb of ["APPEND", "FOLLOW"]) {
        const response = await remove(wire, "a.txt", {}, `verb=${verb}`);
        assert.equal(response.status, 405, verb);
        assert.match(response.headers.get("allow") ?? "", /\bGET\b/);
      }
      assert.equal((await wire.get("a.txt")).text, "x");
    },

    "a path that the store refuses is a 400": async (wire) => {
      for (const path of [".httpfstream/claims", "%00"]) {
        const target = path.startsWith(".") ? `${wire.mount}/${path}` : wire.at(path);
        assert.equal((await wire.send({ method: "DELETE", target })).status, 400, path);
      }
    },
  });
}

/** A path that has an appender. */
const WHILE_APPENDED: Cases = {
  "409 in_use while a session has a connection, and during its grace period": async (wire) => {
    if (!(await canRemove(wire))) return;
    const first = await append(wire, "a.txt");
    await first.peer.send("one");
    await first.peer.acked(3);
    const response = await remove(wire, "a.txt");
    assert.equal(response.status, 409);
    assert.equal(response.headers.get("stream-error"), "in_use");
    first.peer.peer.connection.drop();
    const waiting = await until("the grace period", async () => {
      const refused = await remove(wire, "a.txt");
      return refused.headers.has("retry-after") ? refused : undefined;
    });
    assert.equal(waiting.status, 409);
    const again = await resume(wire, "a.txt", first);
    assert.equal(again.offset, 3);
    await again.peer.finish();
    await wire.idle("a.txt");
    assert.equal((await remove(wire, "a.txt")).status, 204);
  },

  "409 in_use while a body is appended": async (wire) => {
    if (!(await canRemove(wire))) return;
    const upload = await wire.startPut("b.txt");
    await upload.chunk("abc");
    await until("the first bytes", async () => (await wire.get("b.txt")).text === "abc");
    assert.equal((await remove(wire, "b.txt")).status, 409);
    await upload.finish();
    assert.equal((await upload.response()).status, 200);
    assert.equal((await remove(wire, "b.txt")).status, 204);
  },

  "409 in_use while a classic WebSocket appends": async (wire) => {
    if (!(await canRemove(wire))) return;
    const appender = await wire.appender("c.txt");
    assert.equal((await remove(wire, "c.txt")).status, 409);
    await appender.finish();
    await wire.idle("c.txt");
    assert.equal((await remove(wire, "c.txt")).status, 204);
  },
};
