/** A counted body reports its end once, in whatever order its reader and its source end. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countBytes } from "../../src/server/http/count-bytes.ts";
import { settle } from "../fixture/rig.ts";

/** A counted body whose source the test controls, and what it reported. */
function body(): { controller: ReadableStreamDefaultController<Uint8Array>; reader: Reader; told: unknown[][] } {
  const told: unknown[][] = [];
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const source = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
  });
  const reader = countBytes(source, (...news) => told.push(news)).getReader();
  return { controller: controller as ReadableStreamDefaultController<Uint8Array>, reader, told };
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

describe("a counted body", () => {
  it("reports its end", async () => {
    const { controller, reader, told } = body();
    controller.enqueue(new Uint8Array(3));
    assert.equal((await reader.read()).value?.length, 3);
    controller.close();
    assert.equal((await reader.read()).done, true);
    await reader.cancel();
    assert.deepEqual(told, [[3, true, undefined]]);
  });

  it("reports its failure", async () => {
    const { controller, reader, told } = body();
    const failure = new Error("EIO");
    const read = reader.read();
    controller.error(failure);
    await assert.rejects(read, failure);
    assert.deepEqual(told, [[0, false, failure]]);
  });

  it("reports a failure that its reader does not ask for", async () => {
    const { controller, told } = body();
    const failure = new Error("EIO");
    controller.error(failure);
    await settle();
    assert.deepEqual(told, [[0, false, failure]]);
  });

  for (const [what, meet] of [
    ["brings a piece", (controller) => controller.enqueue(new Uint8Array(3))],
    ["ends", (controller) => controller.close()],
  ] as const satisfies [string, (controller: ReadableStreamDefaultController<Uint8Array>) => void][]) {
    it(`reports once that its reader has left, even if a pending read then ${what}`, async () => {
      const { controller, reader, told } = body();
      const read = reader.read().catch(() => {});
      await settle();
      meet(controller);
      await reader.cancel();
      await read;
      await settle();
      assert.equal(told.length, 1);
      assert.equal(told[0]?.[2], undefined);
    });
  }
});
