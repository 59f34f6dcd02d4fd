import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { append, follow, openAppend } from "../../src/client/mod.ts";
import { all } from "../client/scenarios.ts";
import { pieces, prng, randomBytes, sha256 } from "../fixture/bytes.ts";
import { until } from "../fixture/until.ts";
import { Rig } from "./rig.ts";

const SIZE = 3_000_000;

/** Yields pieces of the bytes, and runs each event at its offset before it continues. */
async function* eventful(
  bytes: Buffer,
  events: readonly { at: number; run: () => Promise<void> }[],
): AsyncGenerator<Uint8Array> {
  const coming = [...events];
  let sent = 0;
  for (const piece of pieces(bytes, 20_000, 3)) {
    if (coming[0] && sent >= coming[0].at) await coming.shift()?.run();
    sent += piece.length;
    yield piece;
  }
}

describe("a server that is restarted", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await Rig.start();
  });
  afterEach(() => rig.stop());

  for (const how of ["kill -9", "SIGTERM"] as const) {
    it(`by ${how} during an append: file and followers get every byte once, and followers learn its end`, async () => {
      const bytes = randomBytes(SIZE, how.length);
      /** How often the append and each follow have begun. */
      const begun: number[] = [0];
      const note =
        (index: number) =>
        ({ state }: { state: string }): void => {
          if (state === "open") begun[index] = (begun[index] ?? 0) + 1;
        };
      const followed: Promise<Buffer>[] = [];
      const streams: ReturnType<typeof follow>[] = [];
      const join = async (): Promise<void> => {
        const index = begun.push(0) - 1;
        const stream = follow(rig.url("a"), { onState: note(index) });
        streams.push(stream);
        followed.push(all(stream));
        await until("the follow to begin", () => begun[index] === 1);
      };
      const restart = async (): Promise<void> => {
        const before = [...begun];
        await rig.restart(how);
        // A follower that reconnects after the end would not learn how the append ended.
        await until("all followers to be back", () => begun.every((count, index) => count > (before[index] ?? 0)));
      };
      const events = [0.1, 0.3, 0.5, 0.7, 0.9].map((part, index) => ({
        at: part * SIZE,
        run: index % 2 === 0 ? join : restart,
      }));
      const result = await append(rig.url("a"), eventful(bytes, events), { onState: note(0) });
      assert.deepEqual(result, { bytes: SIZE, offset: SIZE });
      assert.equal(sha256(await rig.stored("a")), sha256(bytes));
      assert.deepEqual(begun, [3, 3, 2, 1]);
      assert.equal(followed.length, 3);
      for (const got of await Promise.all(followed)) assert.equal(sha256(got), sha256(bytes));
      for (const stream of streams) {
        assert.deepEqual(await stream.ended, { reason: "complete", offset: SIZE });
        assert.equal(stream.offset, SIZE);
      }
    });
  }

  it("while nothing is being appended: an idle append and its follower continue", async () => {
    const stream = await openAppend(rig.url("quiet"));
    const writer = stream.getWriter();
    await writer.write("before ");
    const reader = follow(rig.url("quiet")).getReader();
    assert.equal(Buffer.from((await reader.read()).value ?? "").toString(), "before ");
    await until("the acknowledgement", () => stream.offset === 7);
    const next = reader.read();
    await rig.restart("kill -9");
    await writer.write("after");
    assert.equal(Buffer.from((await next).value ?? "").toString(), "after");
    await writer.close();
    assert.equal((await reader.read()).done, true);
  });

  it("keeps followers over HTTP waiting, too", async () => {
    const writer = (await openAppend(rig.url("http"))).getWriter();
    await writer.write("one ");
    const stream = follow(rig.url("http"), { transport: "http" });
    const reader = stream.getReader();
    assert.equal(Buffer.from((await reader.read()).value ?? "").toString(), "one ");
    for (const how of ["kill -9", "SIGTERM"] as const) {
      const next = reader.read();
      await rig.restart(how);
      await writer.write("more ");
      assert.equal(Buffer.from((await next).value ?? "").toString(), "more ");
    }
    await writer.close();
    assert.equal((await reader.read()).done, true);
    assert.deepEqual(await stream.ended, { reason: "complete", offset: 14 });
  });
});

describe("a network that cuts every connection", () => {
  let rig: Rig;

  before(async () => {
    rig = await Rig.start();
  });
  after(() => rig.stop());

  it("after some bytes, in either direction: every byte arrives once", async () => {
    const random = prng(11);
    const bytes = randomBytes(SIZE, 5);
    rig.proxy.allowance = () => 20_000 + Math.floor(random() * 400_000);
    const appending = append(rig.url("cut"), eventful(bytes, []), { retryFirst: true });
    const writing = until("the path to be there", () =>
      rig.stored("cut").then(
        () => true,
        () => false,
      ),
    );
    await Promise.race([writing, appending]);
    const stream = follow(rig.url("cut"), { retryFirst: true });
    const [result, got] = await Promise.all([appending, all(stream)]);
    assert.deepEqual(result, { bytes: SIZE, offset: SIZE });
    assert.equal(sha256(await rig.stored("cut")), sha256(bytes));
    assert.equal(sha256(got), sha256(bytes));
    assert.ok(rig.proxy.count > 15, `${rig.proxy.count} connections`);
  });
});
