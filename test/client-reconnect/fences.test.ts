import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { append, follow, openAppend, type ResumePoint } from "../../src/client/mod.ts";
import { all, refuses } from "../client/scenarios.ts";
import { until } from "../fixture/until.ts";
import { hangUpOnUpgrade, refuseUpgrade, stripProtocol, stripUpgrade } from "./proxy.ts";
import { Rig } from "./rig.ts";

describe("an append session", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await Rig.start("--limit", "graceMs=300");
  });
  afterEach(() => rig.stop());

  it("that does not return in time is gone, and its followers learn that it was lost", async () => {
    const stream = await openAppend(rig.url("lost"));
    const writer = stream.getWriter();
    await writer.write("abc");
    await until("the acknowledgement", () => stream.offset === 3);
    const following = follow(`${rig.server.url}/lost`);
    const bytes = all(following);
    rig.proxy.target = undefined;
    rig.proxy.cut();
    assert.equal(String(await bytes), "abc");
    assert.deepEqual(await following.ended, { reason: "lost", offset: 3 });
    rig.proxy.target = rig.server.url;
    await refuses("gone", () => writer.closed);
    await append(rig.url("lost"), "def");
    assert.equal(String(await rig.stored("lost")), "abcdef");
  });

  it("that is resumed elsewhere leaves the path to the client that resumed it", async () => {
    const points: ResumePoint[] = [];
    const stream = await openAppend(rig.url("taken"), { onAcked: (point) => points.push(point) });
    const writer = stream.getWriter();
    await writer.write("abc");
    await until("the acknowledgement", () => stream.offset === 3);
    const [point] = points;
    assert.ok(point);
    assert.equal(point.offset, 0);
    // The first three bytes of this source are already stored.
    const result = append(rig.url("taken"), "abcdef", { resume: point });
    await refuses("fenced", () => writer.closed);
    assert.deepEqual(await result, { bytes: 3, offset: 6 });
    assert.equal(String(await rig.stored("taken")), "abcdef");
    await refuses("gone", () => append(rig.url("taken"), "abcdef", { resume: point }));
  });

  it("begins at the requested offset only", async () => {
    await append(rig.url("sized"), "abc", { offset: 0 });
    await refuses("precondition_failed", () => append(rig.url("sized"), "x", { offset: 0 }));
    await refuses("precondition_failed", () => append(rig.url("sized"), "x", { offset: 4 }));
    assert.deepEqual(await append(rig.url("sized"), "def", { offset: 3 }), { bytes: 3, offset: 6 });
    assert.equal(String(await rig.stored("sized")), "abcdef");
  });

  it("that is unknown is refused, and nothing is written", async () => {
    await refuses("gone", () => append(rig.url("strange"), "x", { resume: { session: "no such", offset: 0 } }));
    await refuses("not_found", () => all(follow(rig.url("strange"))));
  });
});

describe("proxies that interfere", () => {
  let rig: Rig;

  before(async () => {
    rig = await Rig.start();
  });
  after(() => rig.stop());

  it("drop the subprotocol: the client uses the classic protocol", async () => {
    rig.proxy.treat = stripProtocol;
    const states: unknown[] = [];
    const writer = (await openAppend(rig.url("classic"), { onState: (state) => states.push(state) })).getWriter();
    assert.deepEqual(states, [{ state: "connecting" }, { state: "open", protocol: "classic", offset: undefined }]);
    await writer.write("abc");
    const stream = follow(rig.url("classic"));
    const reader = stream.getReader();
    assert.equal(Buffer.from((await reader.read()).value ?? "").toString(), "abc");
    const next = reader.read();
    rig.proxy.allowance = () => Number.POSITIVE_INFINITY;
    await writer.write("def");
    assert.equal(Buffer.from((await next).value ?? "").toString(), "def");
    await writer.close();
    assert.deepEqual(states.slice(2), [{ state: "ended", reason: "complete", offset: undefined }]);
    assert.equal((await reader.read()).done, true);
    assert.deepEqual(await stream.ended, { reason: "unknown", offset: 6 });
    // Options that need the subprotocol are refused.
    await refuses("protocol", () => append(rig.url("classic"), "x", { offset: 6 }));
    await refuses("protocol", () => append(rig.url("classic"), "x", { resume: { session: "s", offset: 6 } }));
    await until("the path to be free", async () => String(await rig.stored("classic")) === "abcdef");
  });

  it("drop the subprotocol and the connection: no byte of a split character is lost", async () => {
    const text = Buffer.from("漢字".repeat(20_000));
    const writer = (await openAppend(`${rig.server.url}/characters`)).getWriter();
    await writer.write(text);
    rig.proxy.treat = stripProtocol;
    let cuts = 3;
    rig.proxy.allowance = () => (cuts-- > 0 ? 20_001 : Number.POSITIVE_INFINITY);
    const [inside, whole] = [1, 0].map((offset) => all(follow(rig.url("characters"), { offset })));
    await until("the connections to be cut", () => cuts <= 0);
    await writer.close();
    assert.ok((await whole)?.equals(text));
    assert.ok((await inside)?.equals(text.subarray(1)));
    rig.proxy.allowance = () => Number.POSITIVE_INFINITY;
  });

  for (const [what, treat] of Object.entries({ stripUpgrade, refuseUpgrade, hangUpOnUpgrade })) {
    it(`block WebSockets (${what}): followers use HTTP, and reconnect where they were`, async () => {
      rig.proxy.treat = treat;
      const writer = (await openAppend(`${rig.server.url}/${what}`)).getWriter();
      await writer.write("history ");
      const transports: string[] = [];
      const stream = follow(rig.url(what), {
        onState: (state) => {
          if (state.state === "open") transports.push(state.transport);
        },
      });
      const reader = stream.getReader();
      assert.equal(Buffer.from((await reader.read()).value ?? "").toString(), "history ");
      const next = reader.read();
      rig.proxy.cut();
      await writer.write("live");
      assert.equal(Buffer.from((await next).value ?? "").toString(), "live");
      const last = reader.read();
      await writer.close();
      assert.equal((await last).done, true);
      assert.deepEqual(await stream.ended, { reason: "complete", offset: 12 });
      assert.ok(transports.length >= 2 && transports.every((transport) => transport === "http"), String(transports));
    });
  }
});
