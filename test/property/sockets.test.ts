/** Random schedules over real sockets, against the real server on each runtime. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { randomBytes } from "../fixture/bytes.ts";
import type { Collected } from "../fixture/collected.ts";
import type { Connection } from "../fixture/connection.ts";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { within } from "../fixture/until.ts";
import type { WebSocketPeer } from "../fixture/websocket.ts";
import { settings } from "./settings.ts";

/** One event. Numbers from 0 to 1 choose among the candidates that exist. */
type Step =
  | { readonly do: "push"; readonly bytes: number }
  | { readonly do: "join"; readonly kind: "socket" | "body"; readonly where: number; readonly paused: boolean }
  | { readonly do: "pause" | "resume" | "leave"; readonly who: number }
  | { readonly do: "confirm" }
  | { readonly do: "change"; readonly how: "close" | "drop" };

/** A follower. */
interface Watcher {
  readonly kind: "socket" | "body";
  readonly connection: Connection;
  readonly received: Collected;
  readonly start: number;
  /** The size of the path when its appender ended; undefined while it has an appender. */
  end: number | undefined;
  left: boolean;
}

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("push" as const), bytes: fc.integer({ min: 0, max: 150_000 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("join" as const),
      kind: fc.constantFrom("socket" as const, "body" as const),
      where: share,
      paused: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("pause" as const, "resume" as const, "leave" as const), who: share }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("confirm" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("change" as const),
      how: fc.constantFrom("close" as const, "drop" as const),
    }),
  },
);
const steps = fc.array(step, { maxLength: 40, size: "max" });

/** Plays a schedule on one path of a server. */
class Play {
  readonly #peers: Peers;
  readonly #path: string;
  readonly #file: string;
  readonly #watchers: Watcher[] = [];
  #sent = Buffer.alloc(0);
  #appender: WebSocketPeer | undefined;
  #witness: Watcher | undefined;

  constructor({ url, root }: TestServer, path: string) {
    this.#peers = new Peers(url);
    this.#path = path;
    this.#file = join(root, path);
  }

  async run(schedule: readonly Step[]): Promise<void> {
    try {
      await this.#begin();
      for (const one of schedule) await this.#act(one);
      await this.#end("close");
      this.#check();
    } finally {
      this.#peers.dispose();
    }
  }

  async #begin(): Promise<void> {
    this.#appender = await this.#peers.admitted(this.#path);
    this.#witness = await this.#join("body", 0);
  }

  async #act(one: Step): Promise<void> {
    if (one.do === "push") return this.#push(one.bytes);
    if (one.do === "confirm") return await this.#confirm();
    if (one.do === "change") {
      await this.#end(one.how);
      return await this.#begin();
    }
    if (one.do === "join") {
      const watcher = await this.#join(one.kind, Math.floor(one.where * (this.#confirmed + 1)));
      if (one.paused) watcher.connection.socket.pause();
      return;
    }
    const watcher = this.#watchers[Math.floor(one.who * this.#watchers.length)];
    if (!watcher || watcher === this.#witness || watcher.end !== undefined) return;
    if (one.do === "pause") watcher.connection.socket.pause();
    else if (one.do === "resume") watcher.connection.socket.resume();
    else {
      watcher.left = true;
      watcher.connection.reset();
    }
  }

  /** Number of bytes that are known to be stored and published. */
  get #confirmed(): number {
    return this.#witness?.received.length ?? 0;
  }

  #push(bytes: number): void {
    const piece = randomBytes(bytes, this.#sent.length);
    this.#sent = Buffer.concat([this.#sent, piece]);
    void this.#appender?.binary(piece);
  }

  async #confirm(): Promise<void> {
    await this.#witness?.received.atLeast(this.#sent.length);
  }

  async #join(kind: "socket" | "body", start: number): Promise<Watcher> {
    const query = `&offset=${start}`;
    let watcher: Watcher;
    if (kind === "socket") {
      const { connection, received } = await this.#peers.follower(this.#path, { query });
      watcher = { kind, connection, received, start, end: undefined, left: false };
    } else {
      const { connection, body, head } = await this.#peers.exchange({ target: `/${this.#path}?verb=FOLLOW${query}` });
      assert.equal((await head).status, 200);
      watcher = { kind, connection, received: body, start, end: undefined, left: false };
    }
    this.#watchers.push(watcher);
    return watcher;
  }

  /** Ends the appender, and waits until all its followers have the end. */
  async #end(how: "close" | "drop"): Promise<void> {
    await this.#confirm();
    if (how === "close") await this.#appender?.finish();
    else this.#appender?.connection.drop();
    for (const watcher of this.#watchers.filter((each) => each.end === undefined)) {
      watcher.end = this.#sent.length;
      watcher.connection.socket.resume();
      if (!watcher.left) await within(watcher.received.all(), "the end of a follow");
    }
  }

  #check(): void {
    assert.ok(readFileSync(this.#file).equals(this.#sent), "the file is what was sent");
    for (const { kind, received, start, end, left } of this.#watchers) {
      const got = received.bytes();
      const content = this.#sent.subarray(0, end);
      const expected = content.subarray(kind === "socket" ? characterFrom(content, start) : start);
      if (left) assert.ok(got.equals(expected.subarray(0, got.length)), `from ${start}, until it left`);
      else assert.ok(got.equals(expected), `from ${start} to ${end}: ${got.length} bytes`);
    }
  }
}

/** Where a text follow from an offset begins: after the character that contains the offset, if it is inside one. */
function characterFrom(bytes: Uint8Array, offset: number): number {
  for (let begin = Math.max(0, offset - 3); begin < offset; begin++) {
    for (let end = offset + 1; end <= Math.min(begin + 4, bytes.length); end++) {
      if (isCharacter(bytes.subarray(begin, end))) return end;
    }
  }
  return offset;
}

function isCharacter(bytes: Uint8Array): boolean {
  try {
    return [...new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)].length === 1;
  } catch {
    return false;
  }
}

const RUNS: Record<Runtime, number> = { node: 40, deno: 20, bun: 20 };

describe("random schedules over sockets", { concurrency: 1 }, () => {
  for (const runtime of RUNTIMES) {
    describe(runtime, () => {
      let server: TestServer | undefined;
      let played = 0;
      before(async () => {
        server = await startStandalone(runtime);
      });
      after(async () => {
        if (server) await expectCleanStop(server);
      });

      test("every follower gets the file's bytes, each once, and the end", async () => {
        const property = fc.asyncProperty(steps, async (schedule) => {
          await new Play(server as TestServer, `plays/${played++}.bin`).run(schedule);
        });
        await fc.assert(property, settings(RUNS[runtime]));
      });
    });
  }
});
