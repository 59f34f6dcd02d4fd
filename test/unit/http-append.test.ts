/** Appending over HTTP, without a network. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fstream, memoryStore } from "../../mod.ts";

test("a body of single bytes that are all available at once does not block the event loop", async () => {
  const streams = fstream({ store: memoryStore() });
  const count = 20_000;
  let left = count;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(Uint8Array.of(0x78));
      if (--left === 0) controller.close();
    },
  });
  let turns = 0;
  let isOver = false;
  const nextTurn = (): void => {
    turns++;
    if (!isOver) setImmediate(nextTurn);
  };
  setImmediate(nextTurn);
  const response = await streams.request("/a.txt?verb=APPEND", { method: "POST", body, duplex: "half" } as RequestInit);
  isOver = true;
  assert.equal(Number(response.headers.get("stream-next-offset")), count);
  assert.ok(turns > 40, `${turns} turns`);
  await streams.close();
});
