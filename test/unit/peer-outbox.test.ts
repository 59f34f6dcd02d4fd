/** What a process that reads slowly is sent: never more than fits into a bounded buffer. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Writable } from "node:stream";
import { test } from "node:test";
import { type Frame, FrameParser, KIND } from "../../src/stores/file/peers/frames.ts";
import { BUFFER_BYTES, Outbox } from "../../src/stores/file/peers/outbox.ts";

const MIB = 1024 * 1024;

/** A connection whose other end reads only when it is told to. */
class SlowSocket extends Writable {
  readonly frames: Frame[] = [];
  readonly #parser = new FrameParser();
  #release: (() => void) | undefined;
  #isReading = false;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.frames.push(...this.#parser.push(chunk));
    if (this.#isReading) done();
    else this.#release = done;
  }

  /** Reads everything from now on. */
  async read(): Promise<void> {
    this.#isReading = true;
    this.#release?.();
    while (this.writableLength > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  get told(): string[] {
    return this.frames.map(({ kind, size, payload }) => `${kind} ${size} ${payload.length}`);
  }
}

function open(): { socket: SlowSocket; outbox: Outbox } {
  const socket = new SlowSocket();
  return { socket, outbox: new Outbox(socket as unknown as Socket) };
}

test("bytes go along while there is room", async () => {
  const { socket, outbox } = open();
  outbox.send(KIND.GROWN, 1, { size: 3, payload: Buffer.from("abc") });
  outbox.send(KIND.GROWN, 1, { size: 6, payload: Buffer.from("def") });
  outbox.send(KIND.ENDED, 1, { size: 6 });
  await socket.read();
  assert.deepEqual(socket.told, ["19 3 3", "19 6 3", "20 6 0"]);
});

test("a process that does not read gets only the last size of each path, and what comes after it", async () => {
  const { socket, outbox } = open();
  for (let count = 1; count <= 100; count++) {
    outbox.send(KIND.GROWN, 1, { size: count * MIB, payload: Buffer.alloc(MIB) });
    outbox.send(KIND.GROWN, 2, { size: count, payload: Buffer.alloc(MIB), closed: count === 50 });
    assert.ok(socket.writableLength <= BUFFER_BYTES + 4096, `${socket.writableLength} bytes wait`);
  }
  outbox.send(KIND.ENDED, 1, { size: 100 * MIB });
  await socket.read();
  const rest = socket.told.slice(-3);
  assert.deepEqual(rest, [`19 ${100 * MIB} 0`, `20 ${100 * MIB} 0`, "19 100 0"]);
  assert.equal(socket.frames.at(-1)?.closed, true, "that it was closed is not forgotten");
  outbox.send(KIND.GROWN, 2, { size: 101, payload: Buffer.alloc(1) });
  assert.equal(socket.told.at(-1), "19 101 1", "there is room again");
});

test("a batch that is larger than a frame is reported without its bytes", async () => {
  const { socket, outbox } = open();
  outbox.send(KIND.GROWN, 1, { size: 9 * MIB, payload: Buffer.alloc(9 * MIB) });
  await socket.read();
  assert.deepEqual(socket.told, [`19 ${9 * MIB} 0`]);
});

test("a process that reads nothing of all that is disconnected", () => {
  const { socket, outbox } = open();
  outbox.send(KIND.GROWN, 1, { size: 8 * MIB, payload: Buffer.alloc(8 * MIB - 100) });
  for (let count = 0; count < 60_000 && !socket.destroyed; count++) outbox.send(KIND.NONE, 1);
  assert.ok(socket.destroyed);
});
