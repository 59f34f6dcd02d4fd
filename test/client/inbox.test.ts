import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RECEIVE_BUFFER_BYTES, RECEIVE_OVERFLOW_BYTES } from "../../src/client/connection/limits.ts";
import type { ClientSocket } from "../../src/client/connection/socket.ts";
import { Inbox } from "../../src/client/follow/inbox.ts";

/** A socket that records the calls of its methods. */
function socket(pausable: boolean): { calls: string[]; socket: ClientSocket } {
  const calls: string[] = [];
  const note = (name: string) => (): void => void calls.push(name);
  const base = { exactText: true, protocol: "", pending: 0, send: async () => {} };
  const common = { ...base, close: note("close"), terminate: note("terminate") };
  return { calls, socket: pausable ? { ...common, pause: note("pause"), resume: note("resume") } : common };
}

describe("frames that wait to be read", () => {
  it("come out in order, then the end", async () => {
    const inbox = new Inbox();
    const read = async () => (await inbox.read())?.bytes;
    const reading = read();
    inbox.frame(Buffer.from("a"));
    inbox.frame(Buffer.from(""));
    inbox.frame(Buffer.from("b"));
    inbox.closed({ code: 1000, reason: "" });
    assert.deepEqual([String(await reading), String(await read()), await read()], ["a", "b", undefined]);
  });

  it("pause their socket when they are many, and resume it when they are read", async () => {
    const inbox = new Inbox();
    const { calls, socket: paused } = socket(true);
    inbox.frame(new Uint8Array(RECEIVE_BUFFER_BYTES));
    inbox.frame(new Uint8Array(1));
    assert.deepEqual(calls, [], "not known yet");
    inbox.attach(paused);
    assert.deepEqual(calls, ["pause"]);
    inbox.frame(new Uint8Array(RECEIVE_BUFFER_BYTES));
    assert.deepEqual(calls, ["pause"], "once");
    await inbox.read();
    await inbox.read();
    assert.deepEqual(calls, ["pause"], "still half full");
    await inbox.read();
    assert.deepEqual(calls, ["pause", "resume"]);
    assert.equal(inbox.overflowed, false);
  });

  it("drop a socket that cannot be paused, and keep what was received before", async () => {
    const inbox = new Inbox();
    const { calls, socket: unstoppable } = socket(false);
    inbox.attach(unstoppable);
    inbox.frame(new Uint8Array(RECEIVE_OVERFLOW_BYTES));
    assert.deepEqual(calls, []);
    inbox.frame(new Uint8Array(1));
    assert.deepEqual(calls, ["terminate"]);
    inbox.frame(new Uint8Array(1));
    inbox.closed({ code: 1006, reason: "" });
    assert.equal(inbox.overflowed, true);
    assert.equal((await inbox.read())?.bytes.length, RECEIVE_OVERFLOW_BYTES);
    assert.equal((await inbox.read())?.bytes.length, 1);
    assert.equal(await inbox.read(), undefined);
  });
});
