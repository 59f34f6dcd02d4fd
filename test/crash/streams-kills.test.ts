/**
 * Producers, closings, forks and removals while the server is killed again and again: what was answered holds, and what is
 * repeated is there once. `SEED=7 KILLS=100 npm test -- --only streams-kills` runs one seed for longer.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { CLOSED, JSON_TYPE, producer, StreamServer, TEXT } from "../durable/streams.ts";

const KILLS = Number(process.env["KILLS"] ?? 2);
const SEEDS = [Number(process.env["SEED"] ?? 1)];
const PRODUCERS = 3;

/** Appends that are answered between two kills, at most. */
const MAX_BETWEEN = 40;

/** A small generator of numbers from 0 to 1. */
function random(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** One run: a server that dies, and clients that repeat what was not answered. */
class Run {
  readonly server: StreamServer;
  readonly next: () => number;
  /** Forks that were answered, and how much of their sources they have at least. */
  readonly forks: { readonly path: string; readonly source: string }[] = [];
  readonly removed: string[] = [];
  answered = 0;
  isOver = false;
  #untilKill = 0;
  #kills = 0;
  #restart: Promise<void> = Promise.resolve();

  constructor(server: StreamServer, seed: number) {
    this.server = server;
    this.next = random(seed);
    this.#untilKill = 1 + Math.floor(this.next() * MAX_BETWEEN);
  }

  /** Sends a request until it is answered. Returns the status. */
  async insist(method: string, path: string, headers: Record<string, string>, body?: string): Promise<number> {
    for (;;) {
      await this.#restart;
      try {
        const { status, text } = await this.server.send(method, path, headers, body);
        if (status < 500) return this.#count(status);
        assert.equal(status, 503, text);
      } catch (error) {
        // The server was killed.
        if (error instanceof assert.AssertionError) throw error;
      }
    }
  }

  /** Appends numbers as a producer, until the run is over. Resolves to how many. */
  async produce(path: string, type: Record<string, string>, id: string): Promise<number> {
    for (let seq = 0; ; seq++) {
      if (this.isOver) return seq;
      const body = type === JSON_TYPE ? `["${id}:${seq}"]` : `${id}:${seq} `;
      const status = await this.insist("POST", path, { ...type, ...producer([id, 0, seq]) }, body);
      assert.ok(status === 200 || status === 204, `${status} for ${id}:${seq} of ${path}`);
    }
  }

  /** Creates, forks and removes streams, until the run is over. */
  async meddle(source: string): Promise<void> {
    for (let round = 0; !this.isOver; round++) {
      const path = `fork-${source}-${round}`;
      const made = await this.insist("PUT", path, { "Stream-Forked-From": `/${source}` });
      assert.ok(made === 201 || made === 200, `${made} for ${path}`);
      if (this.next() < 0.5) {
        this.forks.push({ path, source });
        continue;
      }
      // A repeated removal finds nothing.
      const status = await this.insist("DELETE", path, {});
      assert.ok(status === 204 || status === 404, `${status} for the removal of ${path}`);
      this.removed.push(path);
    }
  }

  #count(status: number): number {
    this.answered++;
    if (--this.#untilKill > 0 || this.isOver) return status;
    this.#untilKill = 1 + Math.floor(this.next() * MAX_BETWEEN);
    this.#kills++;
    // One after the other: answers that came before a kill are counted during the restart.
    this.#restart = this.#restart.then(() => this.server.crash());
    if (this.#kills >= KILLS) this.isOver = true;
    return status;
  }
}

/** The numbers of each producer, in the order in which they are stored. */
function numbersIn(messages: readonly string[]): Map<string, number[]> {
  const numbers = new Map<string, number[]>();
  for (const message of messages) {
    const [id = "", seq] = message.split(":");
    numbers.set(id, [...(numbers.get(id) ?? []), Number(seq)]);
  }
  return numbers;
}

for (const durability of ["os", "disk"] as const) {
  describe(`streams of a server that is killed again and again (${durability})`, { concurrency: 1 }, () => {
    for (const seed of SEEDS) {
      it(`with the seed ${seed}`, { timeout: 120_000 + KILLS * 5_000 }, async () => {
        const server = await StreamServer.start({ args: ["--durability", durability] });
        try {
          await check(new Run(server, seed));
        } finally {
          await server.remove();
        }
      });
    }
  });
}

async function check(run: Run): Promise<void> {
  const { server } = run;
  await server.expect(201, "PUT", "text", TEXT);
  await server.expect(201, "PUT", "json", JSON_TYPE);
  const ids = Array.from({ length: PRODUCERS }, (_, at) => `p${at}`);
  const [counts] = await Promise.all([
    Promise.all(ids.flatMap((id) => [run.produce("text", TEXT, id), run.produce("json", JSON_TYPE, id)])),
    run.meddle("text"),
    run.meddle("json"),
  ]);
  for (const path of ["text", "json"]) {
    const closed = await run.insist("POST", path, CLOSED);
    assert.equal(closed, 204);
  }
  await server.crash();
  const text = server.stored("text");
  const lines = server.stored("json");
  const json = JSON.parse((await server.get("json")).text) as string[];
  assert.equal(lines, json.map((message) => `${JSON.stringify(message)}\n`).join(""));
  for (const [at, messages] of [text.split(" ").filter(Boolean), json].entries()) {
    const numbers = numbersIn(messages);
    for (const [index, id] of ids.entries()) {
      const count = counts[index * 2 + at] ?? 0;
      assert.deepEqual(
        numbers.get(id) ?? [],
        Array.from({ length: count }, (_, seq) => seq),
        `${id} of ${at === 0 ? "text" : "json"}`,
      );
    }
  }
  for (const path of ["text", "json"]) {
    assert.equal((await server.get(path)).headers.get("stream-closed"), "true");
    await server.expect(409, "POST", path, path === "text" ? TEXT : JSON_TYPE, "1");
  }
  for (const { path, source } of run.forks) {
    const copy = server.stored(path);
    assert.ok((source === "text" ? text : lines).startsWith(copy), `${path} is no beginning of ${source}`);
    assert.equal((await server.get(path)).headers.get("stream-closed"), null);
  }
  for (const path of run.removed) await server.expect(404, "GET", path);
}
