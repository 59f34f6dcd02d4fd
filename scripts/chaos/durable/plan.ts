/**
 * Chooses what happens to a stream of the Durable Streams protocol.
 * @module
 */
import type { Random } from "../random.ts";

/** The plan of a writer. */
export interface WriterPlan {
  /** A producer with epochs and numbers, or a client that repeats its requests with the same `Stream-Seq`. */
  readonly kind: "producer" | "sequence";
  /** How many requests it sends in each epoch before the next one begins. */
  readonly epochs: readonly number[];
  /** Whether the instance of an epoch continues while that of the next one begins. Otherwise it waits until that has begun. */
  readonly overlaps: boolean;
  /** The longest pause between two requests, in milliseconds. */
  readonly pauseMs: number;
  /** The largest message, in bytes. */
  readonly max: number;
}

/** The plan of a reader. */
export interface ReaderPlan {
  readonly kind: "long-poll" | "sse" | "websocket" | "http";
  /** How many milliseconds after the creation of the stream it begins. */
  readonly lateMs: number;
}

/** The plan of a fork. */
export interface ForkPlan {
  readonly afterMs: number;
  /** Which of the offsets known by then it begins at, as a share of them. Undefined: the end. */
  readonly share: number | undefined;
  readonly writer: WriterPlan;
  readonly end: "removed" | "closed" | "open";
}

/** What happens between a creation of a stream and its end. */
export interface StreamPlan {
  readonly isJson: boolean;
  readonly begins: boolean;
  readonly writers: readonly WriterPlan[];
  readonly readers: readonly ReaderPlan[];
  readonly forks: readonly ForkPlan[];
  /** The first writer closes it with its last bytes; it is closed without bytes; it is removed, also while it is written to. */
  readonly end: "closed with bytes" | "closed" | "removed" | "removed under way";
}

const READERS = { "long-poll": 4, sse: 4, websocket: 1, http: 1 } as const;
const ENDS = { "closed with bytes": 5, closed: 2, removed: 2, "removed under way": 2 } as const;

/** Draws what happens to a stream each time it is created at one path. A stream of JSON comes first, if at all. */
export function drawStreams(random: Random, readers: number, length: number): StreamPlan[] {
  const turns = random.weighted({ 1: 3, 2: 3, 3: 1 });
  return Array.from({ length: Number(turns) }, (_, turn) =>
    drawStream(random.fork("turn", turn), turn, readers, length),
  );
}

function drawStream(random: Random, turn: number, readers: number, length: number): StreamPlan {
  const writers = Array.from({ length: random.between(1, 3) }, (_, at) =>
    drawWriter(random.fork("writer", at), length),
  );
  return {
    isJson: turn === 0 && random.chance(0.5),
    begins: random.chance(0.4),
    // One may use Stream-Seq, which belongs to the stream. The first one can close the stream.
    writers: writers.map((plan, at) => (at === 0 || at > 1 ? { ...plan, kind: "producer" } : plan)),
    readers: Array.from({ length: readers }, () => ({
      kind: random.weighted(READERS),
      lateMs: random.chance(0.4) ? 0 : random.spread(1, 3_000),
    })),
    forks: Array.from({ length: random.between(0, 2) }, (_, at) => drawFork(random.fork("fork", at))),
    end: random.weighted(ENDS),
  };
}

function drawWriter(random: Random, length: number): WriterPlan {
  const kind = random.weighted({ producer: 3, sequence: 1 });
  return {
    kind,
    epochs: Array.from({ length: kind === "producer" ? random.between(1, 3) : 1 }, () => random.spread(2, 15 * length)),
    overlaps: random.chance(0.5),
    pauseMs: random.spread(1, 150),
    max: random.spread(10, 20_000),
  };
}

function drawFork(random: Random): ForkPlan {
  const writer: WriterPlan = {
    ...drawWriter(random.fork("writer"), 1),
    kind: "producer",
    epochs: [random.between(1, 5)],
  };
  return {
    afterMs: random.spread(1, 2_000),
    share: random.chance(0.3) ? undefined : random.number(),
    writer,
    end: random.weighted({ removed: 1, closed: 1, open: 1 }),
  };
}
