/**
 * Writes frames to another process, without ever waiting for it.
 * @module
 */
import type { Socket } from "node:net";
import { type Frame, headerOf, KIND, MAX_PAYLOAD_BYTES } from "./frames.ts";

/** Maximum bytes that wait for a process that does not read. Beyond that, only sizes are kept. */
export const BUFFER_BYTES: number = 8 * 1024 * 1024;

/** Maximum bytes that wait in all. Beyond that, the process is disconnected. */
const MAX_BYTES = BUFFER_BYTES + 1024 * 1024;

const NO_BYTES = new Uint8Array(0);

/** The frames for one process. */
export class Outbox {
  readonly #socket: Socket;
  /** The last reports of growth that were held back, by their ids. */
  readonly #late = new Map<number, Frame>();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("drain", () => this.#catchUp());
  }

  /**
   * Sends a frame. While too much waits already, growth is reported later and without its bytes.
   *
   * @param bytes Sent as the payload. They must not be modified.
   */
  send(kind: number, id: number, { size = 0, closed = false, payload = NO_BYTES }: Partial<Frame> = {}): void {
    const frame = { kind, id, size, closed, payload };
    const { writableLength, writableNeedDrain } = this.#socket;
    const late = this.#late.get(id);
    if (writableLength > MAX_BYTES) {
      this.#socket.destroy();
    } else if (kind !== KIND.GROWN) {
      // Later frames must not overtake growth.
      this.#late.delete(id);
      if (late) this.#write(late);
      this.#write(frame);
    } else if (!late && payload.length <= MAX_PAYLOAD_BYTES && writableLength + payload.length <= BUFFER_BYTES) {
      this.#write(frame);
    } else if (writableNeedDrain) {
      // After a gap the receiver reads the bytes itself.
      this.#late.set(id, { ...frame, payload: NO_BYTES, closed: closed || late?.closed === true });
    } else {
      this.#write({ ...frame, payload: NO_BYTES });
    }
  }

  #write(frame: Frame): void {
    this.#socket.cork();
    this.#socket.write(headerOf(frame));
    if (frame.payload.length > 0) this.#socket.write(frame.payload);
    this.#socket.uncork();
  }

  #catchUp(): void {
    const late = [...this.#late.values()];
    this.#late.clear();
    for (const frame of late) this.#write(frame);
  }
}
