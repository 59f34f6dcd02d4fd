import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { append, follow, openAppend } from "../../src/client/mod.ts";
import { randomBytes, sha256 } from "../fixture/bytes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { Relay } from "./relay.ts";
import { all } from "./scenarios.ts";

/** Far more bytes than sockets and their kernel buffers hold. */
const MUCH = 64 * 1024 * 1024;
/** The most bytes that they may hold together with all buffers of this project. */
const LITTLE = MUCH / 2;

const megabyte: Buffer = randomBytes(1024 * 1024, 5);

/** Waits until a number is positive and has not changed for ten polls, and returns it. */
async function settled(what: string, value: () => number): Promise<number> {
  let last = -1;
  let still = 0;
  return await until(`${what} to stand still`, () => {
    still = value() === last ? still + 1 : 0;
    last = value();
    return still >= 10 && last > 0 && last;
  });
}

describe("backpressure", () => {
  let server: TestServer;
  let relay: Relay;

  before(async () => {
    server = await startStandalone("node");
    relay = await Relay.to(server.url);
  });
  after(async () => {
    await relay.close();
    await expectCleanStop(server);
  });

  for (const transport of ["websocket", "http"] as const) {
    it(`a follower that does not read takes only what fits into its buffers, over ${transport}`, async () => {
      const path = `/slow-reader-${transport}`;
      const writer = (await openAppend(server.url + path)).getWriter();
      const reader = follow(relay.url + path, { transport }).getReader();
      await writer.write(megabyte);
      assert.ok((await reader.read()).value);
      const before = relay.down.passed;
      for (let sent = megabyte.length; sent < MUCH; sent += megabyte.length) await writer.write(megabyte);
      await writer.close();
      const taken = (await settled("what the follower takes", () => relay.down.passed)) - before;
      assert.ok(taken < LITTLE, `${taken} bytes were taken without a reader`);
      let read = 0;
      for (let next = await reader.read(); !next.done; next = await reader.read()) read += next.value.length;
      assert.ok(read <= MUCH && read >= MUCH - megabyte.length, `${read} bytes came after the first piece`);
    });
  }

  it("a writer waits while the network takes nothing, and loses nothing", async () => {
    const path = "/fast-writer";
    const writer = (await openAppend(relay.url + path)).getWriter();
    relay.up.hold();
    let written = 0;
    const done = (async () => {
      for (; written < MUCH; written += megabyte.length) await writer.write(megabyte);
      await writer.close();
    })();
    const taken = await settled("what the writer gets rid of", () => written);
    assert.ok(taken < LITTLE, `${taken} bytes were taken though none got through`);
    relay.up.release();
    await done;
    const stored = await all(follow(server.url + path));
    assert.equal(stored.length, MUCH);
    for (let at = 0; at < MUCH; at += megabyte.length) {
      assert.equal(sha256(stored.subarray(at, at + megabyte.length)), sha256(megabyte), `megabyte at ${at}`);
    }
  });

  it("append reads its source no faster than the network takes it", async () => {
    let yielded = 0;
    let held = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (; yielded < MUCH; yielded += megabyte.length) {
        if (yielded > 0 && !held) {
          held = true;
          relay.up.hold();
        }
        yield megabyte;
      }
    }
    const done = append(`${relay.url}/fast-source`, source());
    const taken = await settled("what the source yields", () => yielded);
    assert.ok(taken < LITTLE, `${taken} bytes were read though none got through`);
    relay.up.release();
    assert.deepEqual(await done, { bytes: MUCH, offset: MUCH });
  });
});
