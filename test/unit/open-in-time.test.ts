/** How a command opens its store. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openInTime } from "../../src/cli/stores/open-in-time.ts";
import { StreamError } from "../../src/protocol/errors.ts";

const NEVER = new AbortController().signal;
const DOWN = new StreamError("unavailable", "None of the NATS servers n1:4222 answers.");

describe("a store that is opened before a server listens", () => {
  it("is tried again while it is unavailable", async () => {
    let attempts = 0;
    const open = async (): Promise<void> => {
      if (++attempts < 3) throw DOWN;
    };
    assert.equal(await openInTime(open, NEVER), true);
    assert.equal(attempts, 3);
  });

  it("is not tried again in vain: after another error, or after its time", async () => {
    let attempts = 0;
    const wrong = new StreamError("storage", "The stream is on 1 server.");
    const failing = (error: Error) => async (): Promise<void> => {
      attempts++;
      throw error;
    };
    await assert.rejects(openInTime(failing(wrong), NEVER), wrong);
    await assert.rejects(openInTime(failing(DOWN), NEVER, 0), DOWN);
    assert.equal(attempts, 2);
  });

  it("is given up when a signal comes, also during an attempt", async () => {
    const controller = new AbortController();
    const waiting = openInTime(() => new Promise<void>(() => {}), controller.signal);
    controller.abort();
    assert.equal(await waiting, false);
    const between = new AbortController();
    const open = async (): Promise<void> => {
      queueMicrotask(() => between.abort());
      throw DOWN;
    };
    assert.equal(await openInTime(open, between.signal), false);
  });
});
