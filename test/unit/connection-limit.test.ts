/** The limit of connections by the descriptors that are left. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { DEFAULT_LIMITS } from "../../src/engine/limits.ts";
import { ConnectionLimit } from "../../src/runtime/node/accept/connection-limit.ts";

/** A connection whose client takes nothing until it is told to. */
class HeldSocket extends Duplex {
  written = "";
  #taken = (): void => {};

  override _read(): void {}

  override _write(data: Buffer, _: BufferEncoding, done: () => void): void {
    this.written += data.toString();
    this.#taken = done;
  }

  /** The client takes what was written. */
  release(): void {
    this.#taken();
  }
}

describe("a crowd for which no descriptor is left", () => {
  it("is refused, a few with an answer and the others at once, so that refusals use few descriptors", async () => {
    const reports: string[] = [];
    const limit = new ConnectionLimit({
      report: (message) => reports.push(message),
      backlog: 511,
      limits: DEFAULT_LIMITS,
      descriptors: 0,
    });
    const crowd = Array.from({ length: 40 }, () => new HeldSocket());
    for (const socket of crowd) limit.add(socket);
    const answered = crowd.filter(({ destroyed }) => !destroyed);
    assert.equal(answered.length, 8);
    for (const { written } of answered) assert.match(written, /^HTTP\/1.1 503 Service Unavailable\r\n/);
    assert.deepEqual([limit.sockets.size, limit.accepted, reports.length], [0, 40, 1]);

    const [first] = answered;
    assert.ok(first);
    first.release();
    await once(first, "close");
    const next = new HeldSocket();
    limit.add(next);
    assert.match(next.written, /^HTTP\/1.1 503 /);
    for (const socket of [...answered, next]) socket.destroy();
  });
});
