/**
 * Clients of several stores on one installation that claim the same paths, append, look and read, and record what they were
 * told. In the end the histories are judged, and every acknowledged byte is read back.
 * @module
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { StreamError } from "../../../src/protocol/errors.ts";
import type { AppendHandle, Store } from "../../../src/store/mod.ts";
import type { Random } from "../random.ts";
import { type AppendOperation, History } from "./history.ts";
import { violationIn } from "./linearizable.ts";

/** Milliseconds between two attempts to claim a path that another client has. */
const TAKEN_MS = 20;

/** The largest batch and the longest range that is read at once, in bytes. */
const BATCH_BYTES = 3_000;
const RANGE_BYTES = 64 * 1024;

/** Appends of one claim. */
const APPENDS = 12;

/** The probability that a client pauses after an append, and for how long at most, in milliseconds. */
const PAUSE = { probability: 0.3, maxMs: 60 };

/** The dependencies of a {@link Race}. */
export interface RaceParts {
  /** Stores on the same installation, each as if in a process of its own. */
  readonly stores: readonly Store[];
  /** The folder of the paths. */
  readonly folder: string;
  readonly paths: number;
  /** How many clients of each store append, and how many look. */
  readonly writers: number;
  readonly readers: number;
  readonly random: Random;
}

/** An append of which an answer is known, or may be stored. */
interface Batch {
  readonly from: number;
  readonly bytes: Buffer;
  readonly outcome: AppendOperation["outcome"];
}

/** Bytes that a reader got. */
interface Sight {
  readonly from: number;
  readonly to: number;
  readonly sha256: string;
}

/** One path of a race. */
class Course {
  readonly history: History;
  readonly batches: Batch[] = [];
  readonly sights: Sight[] = [];

  constructor(path: string) {
    this.history = new History(path);
  }

  get path(): string {
    return this.history.path;
  }
}

/** The clients. */
export class Race {
  readonly #parts: RaceParts;
  readonly #courses: readonly Course[];
  readonly #over = new AbortController();
  #clients: Promise<unknown> = Promise.resolve();

  constructor(parts: RaceParts) {
    this.#parts = parts;
    this.#courses = Array.from({ length: parts.paths }, (_, at) => new Course(`${parts.folder}/${at}.bin`));
  }

  /** How many operations were recorded so far. */
  get count(): number {
    return this.#courses.reduce((sum, { history }) => sum + history.operations.length, 0);
  }

  /** How many appends were acknowledged so far. */
  get acknowledged(): number {
    const of = ({ batches }: Course): number => batches.filter(({ outcome }) => outcome === "stored").length;
    return this.#courses.reduce((sum, course) => sum + of(course), 0);
  }

  /** How many operations have no answer. */
  get unknown(): number {
    const operations = this.#courses.flatMap(({ history }) => history.operations);
    return operations.filter(({ endedMs }) => endedMs === Number.POSITIVE_INFINITY).length;
  }

  /** Starts the clients. */
  start(): void {
    const { stores, writers, readers, random } = this.#parts;
    this.#clients = Promise.all(
      stores.flatMap((store, process) => [
        ...Array.from({ length: writers }, (_, at) => this.#write(store, process, random.fork("writer", process, at))),
        ...Array.from({ length: readers }, (_, at) => this.#look(store, process, random.fork("reader", process, at))),
      ]),
    );
    // Reported by `finish`.
    this.#clients.catch(() => {});
  }

  /** Ends the clients, and returns what must not have happened. All stores must be reachable by now. */
  async finish(): Promise<string[]> {
    this.#over.abort();
    await this.#clients;
    const problems = await Promise.all(this.#courses.map((course) => this.#judge(course)));
    return problems.flat();
  }

  async #write(store: Store, process: number, random: Random): Promise<void> {
    while (!this.#over.signal.aborted) {
      const course = this.#course(random);
      const claimed = await this.#claim(store, process, course);
      if (claimed) await this.#append(process, course, claimed, random);
      await sleep(random.between(1, TAKEN_MS));
    }
  }

  /** Claims a path; undefined if another client has it, or if there is no answer. */
  async #claim(
    store: Store,
    process: number,
    { history, path }: Course,
  ): Promise<{ id: number; handle: AppendHandle } | undefined> {
    const begun = { id: history.newId(), process, beganMs: performance.now() };
    try {
      const handle = await store.claim(path, { isLeaving: () => true });
      history.add(begun, { kind: "claim", told: { epoch: handle.epoch, offset: handle.offset } });
      return { id: begun.id, handle };
    } catch (error) {
      // A refusal has changed nothing. Any other error says nothing.
      if (codeOf(error) !== "conflict") history.add(begun, { kind: "claim" }, false);
      return undefined;
    }
  }

  async #append(
    process: number,
    course: Course,
    { id: claim, handle }: { id: number; handle: AppendHandle },
    random: Random,
  ): Promise<void> {
    const { history, batches } = course;
    for (let left = random.between(0, APPENDS); left > 0 && !this.#over.signal.aborted; left--) {
      const from = handle.offset;
      const bytes = batchOf(`${course.path}:${claim}:${from}`, random.spread(1, BATCH_BYTES));
      const begun = { id: history.newId(), process, beganMs: performance.now() };
      const note = (outcome: AppendOperation["outcome"], to = from + bytes.length): void => {
        history.add(begun, { kind: "append", claim, from, to, outcome }, outcome !== "unknown");
        batches.push({ from, bytes: bytes.subarray(0, to - from), outcome });
      };
      try {
        note("stored", await handle.append(bytes));
      } catch (error) {
        note(codeOf(error) === "fenced" ? "fenced" : "unknown");
        break;
      }
      if (random.chance(PAUSE.probability)) await sleep(random.between(1, PAUSE.maxMs));
    }
    // Without an answer, the path is taken over, like that of a server that has ended.
    await handle.release("complete").catch(() => {});
  }

  async #look(store: Store, process: number, random: Random): Promise<void> {
    while (!this.#over.signal.aborted) {
      const course = this.#course(random);
      const size = await this.#stat(store, process, course);
      if (size !== undefined && size > 0) await this.#read(store, process, course, size);
      await sleep(random.between(1, PAUSE.maxMs));
    }
  }

  async #stat(store: Store, process: number, { history, path }: Course): Promise<number | undefined> {
    const begun = { id: history.newId(), process, beganMs: performance.now() };
    try {
      const size = (await store.stat(path))?.size ?? 0;
      history.add(begun, { kind: "stat", size });
      return size;
    } catch {
      return undefined;
    }
  }

  async #read(store: Store, process: number, { history, path, sights }: Course, to: number): Promise<void> {
    const begun = { id: history.newId(), process, beganMs: performance.now() };
    const from = Math.max(0, to - RANGE_BYTES);
    try {
      const { sha256, length } = await digestOf(store.read(path, from, to));
      history.add(begun, { kind: "read", to: from + length, outcome: "whole" });
      sights.push({ from, to: from + length, sha256 });
    } catch (error) {
      if (codeOf(error) === "changed") history.add(begun, { kind: "read", to, outcome: "short" });
    }
  }

  async #judge(course: Course): Promise<string[]> {
    const { history, path } = course;
    const { stores } = this.#parts;
    const problems: string[] = [];
    const complain = (what: string): void => void problems.push(`/${path}: ${what}`);
    // Claims find out what is stored for good.
    for (const [process, store] of stores.entries()) {
      const claimed = await this.#claimAtLast(store, process, course);
      await claimed.release();
    }
    for (const [at, store] of stores.entries()) {
      const size = (await store.stat(path))?.size ?? 0;
      const stored = await bytesOf(store.read(path, 0, size));
      for (const complaint of compared(course, stored)) complain(`${complaint}, as store ${at} reads it`);
    }
    const staleMs = Math.max(0, ...stores.map(({ maxStaleMs = 0 }) => maxStaleMs));
    const violation = violationIn(history.operations, { staleMs });
    if (violation !== undefined) complain(violation);
    return problems;
  }

  /** Claims a path, whose last holder may have to be waited for. */
  async #claimAtLast(store: Store, process: number, course: Course): Promise<AppendHandle> {
    for (;;) {
      const claimed = await this.#claim(store, process, course);
      if (claimed) return claimed.handle;
      await sleep(TAKEN_MS);
    }
  }

  #course(random: Random): Course {
    return this.#courses[random.between(0, this.#courses.length - 1)] as Course;
  }
}

/** What is wrong with the stored bytes of a path. */
function* compared({ batches, sights }: Course, stored: Buffer): Generator<string> {
  const certain = batches.filter(({ outcome }) => outcome === "stored");
  for (const { from, bytes } of certain) {
    const found = stored.subarray(from, from + bytes.length);
    if (!found.equals(bytes)) yield `the ${bytes.length} bytes that were acknowledged from ${from} on are not there`;
  }
  const perhaps = batches.filter(({ outcome }) => outcome === "unknown");
  let end = 0;
  for (const { from, bytes } of [...certain].sort((one, other) => one.from - other.from)) {
    yield* unexplained(stored, end, from, perhaps);
    end = from + bytes.length;
  }
  yield* unexplained(stored, end, stored.length, perhaps);
  for (const { from, to, sha256 } of sights) {
    if (hashOf(stored.subarray(from, to)) !== sha256) yield `a reader got other bytes from ${from} to ${to}`;
  }
}

/** Bytes between two offsets that are from no append without an answer. */
function* unexplained(stored: Buffer, from: number, to: number, perhaps: readonly Batch[]): Generator<string> {
  for (let at = from; at < to; ) {
    const batch = perhaps.find(({ from: start, bytes }) => {
      return start === at && stored.subarray(at, at + bytes.length).equals(bytes);
    });
    if (!batch) {
      yield `the bytes from ${at} to ${to} are from no append`;
      return;
    }
    at += batch.bytes.length;
  }
}

/** Bytes that no other batch has. */
function batchOf(label: string, length: number): Buffer {
  return Buffer.alloc(length, `${label}|`);
}

async function digestOf(stream: ReadableStream<Uint8Array>): Promise<{ sha256: string; length: number }> {
  const bytes = await bytesOf(stream);
  return { sha256: hashOf(bytes), length: bytes.length };
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  // A copy: the store may use its buffer again.
  for await (const chunk of stream) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function codeOf(error: unknown): string | undefined {
  return error instanceof StreamError ? error.code : undefined;
}
