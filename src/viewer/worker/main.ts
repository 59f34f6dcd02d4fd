/**
 * The worker of the viewer page: follows the path with the client, and reports to the page, at most 20 times per second.
 * A second one of the same kind searches by regular expressions.
 * @module
 */
import { follow } from "../../client/follow/mod.ts";
import type { FollowState } from "../../client/follow/state.ts";
import { StreamError } from "../../protocol/errors.ts";
import {
  BLOCK_BYTES,
  type Changed,
  type FollowOrder,
  type SearchMessage,
  type SearchOrder,
  type WorkerMessage,
} from "../shared/messages.ts";
import { searchLines } from "./expression.ts";

/** Minimum milliseconds between two messages with bytes. */
const INTERVAL_MS = 50;

/** Maximum bytes of a message. Of a burst, the page shows the end; it reads the rest when it needs it. */
const MESSAGE_BYTES = 256 * 1024;

/** Milliseconds for which the client tries to reconnect before the follow fails. */
const RETRY_FOR_MS = 24 * 3_600_000;

const NEWLINE = 10;

let current = new AbortController();

addEventListener("message", ({ data }: MessageEvent<FollowOrder | SearchOrder>) => {
  if ("expression" in data) return void searchLines(data, tell);
  current.abort();
  current = new AbortController();
  void run(data, current.signal);
});

async function run({ url, offset, generation, token, transport }: FollowOrder, signal: AbortSignal): Promise<void> {
  const gathered = new Gathered(offset, signal);
  const begins = generation === undefined ? (offset === 0 ? {} : { offset }) : { offset, generation };
  try {
    const stream = follow(url, {
      ...begins,
      ...{ stay: true, signal, transport, retryForMs: RETRY_FOR_MS, retryFirst: true },
      ...(token !== undefined && { token }),
      onState: (state) => {
        if (signal.aborted || state.state === "ended") return;
        gathered.flush();
        tell(changed(state));
      },
    });
    for await (const bytes of stream) gathered.take(bytes, stream.generation);
    const { reason } = await stream.ended;
    gathered.flush();
    tell({ type: "state", state: "ended", reason, delayMs: 0, message: "" });
  } catch (error) {
    if (signal.aborted) return;
    gathered.flush();
    const { code, message } = StreamError.from(error);
    tell({ type: "state", state: "failed", reason: code, delayMs: 0, message });
  }
}

function changed(state: Exclude<FollowState, { state: "ended" }>): Changed {
  const base = { type: "state", reason: "", delayMs: 0, message: "" } as const;
  if (state.state === "idle") return { ...base, state: "idle", reason: state.reason };
  if (state.state === "open") return { ...base, state: "open", reason: state.live ? state.transport : "stored" };
  if (state.state === "connecting") return { ...base, state: "connecting" };
  const { delayMs, error } = state;
  return { ...base, state: "retrying", delayMs, reason: error.code, message: error.message };
}

/** Gathers bytes between two messages. */
class Gathered {
  readonly #signal: AbortSignal;
  readonly #firstBlock: number;
  readonly #counts: number[] = [];
  #toldBlock: number;
  #size: number;
  #generation: string | undefined;
  #pieces: Uint8Array[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(offset: number, signal: AbortSignal) {
    this.#size = offset;
    this.#signal = signal;
    this.#firstBlock = Math.floor(offset / BLOCK_BYTES);
    this.#toldBlock = this.#firstBlock;
  }

  take(bytes: Uint8Array, generation: string | undefined): void {
    this.#count(bytes);
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    this.#generation = generation;
    const waitMs = INTERVAL_MS - (performance.now() - this.#toldMs);
    if (waitMs <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), waitMs);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pieces.length === 0 || this.#signal.aborted) return;
    this.#toldMs = performance.now();
    const firstBlock = this.#toldBlock;
    this.#toldBlock = Math.floor(this.#size / BLOCK_BYTES);
    const counts = this.#counts.slice(firstBlock - this.#firstBlock);
    const bytes = newest(this.#pieces);
    this.#pieces = [];
    tell({ type: "grown", size: this.#size, generation: this.#generation, bytes, counts, firstBlock });
  }

  #count(bytes: Uint8Array): void {
    let end = 0;
    for (let at = 0; at < bytes.length; at = end) {
      const block = Math.floor((this.#size + at) / BLOCK_BYTES);
      end = Math.min(bytes.length, (block + 1) * BLOCK_BYTES - this.#size);
      let lines = 0;
      for (let next = bytes.indexOf(NEWLINE, at); next !== -1 && next < end; next = bytes.indexOf(NEWLINE, next + 1)) {
        lines++;
      }
      const index = block - this.#firstBlock;
      this.#counts[index] = (this.#counts[index] ?? 0) + lines;
    }
  }
}

/** The last bytes of the pieces, joined in memory that can be transferred. */
function newest(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const bytes = new Uint8Array(Math.min(length, MESSAGE_BYTES));
  let end = bytes.length;
  for (let at = pieces.length - 1; at >= 0 && end > 0; at--) {
    const piece = pieces[at] ?? new Uint8Array(0);
    const part = piece.subarray(Math.max(0, piece.length - end));
    end -= part.length;
    bytes.set(part, end);
  }
  return bytes;
}

function tell(message: WorkerMessage | SearchMessage): void {
  // The types are those of a window, where the second argument would be an origin.
  if (message.type === "grown") postMessage(message, { transfer: [message.bytes.buffer] });
  else postMessage(message);
}
