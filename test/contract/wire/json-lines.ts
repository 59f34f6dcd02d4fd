/** Section 11 of the wire contract: raw appends to a stream of JSON. */
import assert from "node:assert/strict";
import { until } from "../../fixture/until.ts";
import type { Target } from "./target.ts";
import { append } from "./v1.ts";
import { section, type Wire } from "./wire.ts";

/** Creates a stream of JSON. If the server has none, the case is skipped. */
async function made(wire: Wire, path: string): Promise<boolean> {
  const headers = { "Content-Type": "application/json" };
  const { status, text } = await wire.send({ method: "PUT", target: wire.at(path), headers });
  if (status === 405) wire.skip("this server has no Durable Streams");
  else assert.equal(status, 201, text);
  return status === 201;
}

async function messages(wire: Wire, path: string): Promise<string> {
  return (await wire.get(path)).text;
}

export function jsonLinesSection(target: Target): void {
  section(target, "11 raw appends to a stream of JSON", {
    "over HTTP, lines are messages, and one that is no JSON ends the append": async (wire) => {
      if (!(await made(wire, "a"))) return;
      await wire.put("a", '{"a": 1}\n2');
      assert.equal(await messages(wire, "a"), '[{"a": 1}]');
      const bad = await wire.send({ method: "POST", target: wire.at("a", "verb=APPEND"), body: "\n3\nno\n4\n" });
      assert.deepEqual([bad.status, bad.headers.get("stream-error")], [400, "not_json"]);
      assert.equal(bad.headers.get("stream-next-offset"), "0000000000000013");
      assert.equal(await messages(wire, "a"), '[{"a": 1},2,3]');
    },

    "over httpfstream.v1, they are acknowledged as bytes, and one that is no JSON closes with 1008": async (wire) => {
      if (!(await made(wire, "a"))) return;
      const { peer } = await append(wire, "a");
      await peer.send('1\n{"a":');
      await peer.acked(7);
      assert.equal(await messages(wire, "a"), "[1]");
      await peer.send("2}\n");
      await peer.acked(10);
      await peer.send("no\n");
      const { code, reason } = await peer.closed();
      assert.equal(code, 1008, reason);
      await until("the path to be free", async () => {
        const body = "3";
        const headers = { "Content-Type": "application/json" };
        return (await wire.send({ method: "POST", target: wire.at("a"), headers, body })).status === 204;
      });
      assert.equal(await messages(wire, "a"), '[1,{"a":2},3]');
    },

    "over a classic WebSocket, one that is no JSON closes with 1008": async (wire) => {
      if (!(await made(wire, "a"))) return;
      const appender = await wire.appender("a", { kind: "binary" });
      await appender.send("1\n\n");
      const { code, reason } = await appender.end();
      assert.equal(code, 1008, reason);
      assert.equal(await messages(wire, "a"), "[1]");
    },

    "followers get the bytes of an unfinished line, readers of messages do not": async (wire) => {
      if (!(await made(wire, "a"))) return;
      const follower = await wire.follower("a");
      const appender = await wire.appender("a", { kind: "binary" });
      await appender.send('["a');
      await follower.received.atLeast(3);
      const array = await wire.get("a");
      assert.deepEqual([array.text, array.headers.get("stream-next-offset")], ["[]", "0000000000000000"]);
      await appender.send('"]\n');
      await follower.received.atLeast(6);
      assert.equal(await messages(wire, "a"), '[["a"]]');
    },
  });
}
