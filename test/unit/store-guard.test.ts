/** Custom stores that break their contract: clients learn that the store failed, and only the log says how. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fstream, type Log, memoryStore } from "../../mod.ts";
import type { AppendHandle, Store, StoreEntry } from "../../src/engine/storage/store.ts";
import { failureLine } from "../../src/server/service/reporter.ts";

const SECRET = "db.internal refuses user=root password=hunter2";

/** Serves a memory store of which some methods are replaced. */
async function withStore(overrides: (memory: Store) => Partial<Store>, use: (at: Tried) => Promise<void>) {
  const memory = memoryStore();
  const store: Store = {
    sessions: memory.sessions,
    stat: (path) => memory.stat(path),
    claim: (path, options) => memory.claim(path, options),
    read: (...range) => memory.read(...range),
    list: (folder, options) => memory.list(folder, options),
    remove: (path) => memory.remove(path),
    ...overrides(memory),
  };
  const lines: string[] = [];
  const log: Log = (event) => {
    if (event.type === "error") lines.push(failureLine(event));
  };
  const app = fstream({ store, log });
  const request = async (path: string, init?: RequestInit): Promise<Response> => app.request(path, init);
  try {
    await use({ memory, lines, request });
  } finally {
    await app.close();
  }
}

interface Tried {
  readonly memory: Store;
  /** The lines of the log about failures. */
  readonly lines: string[];
  readonly request: (path: string, init?: RequestInit) => Promise<Response>;
}

async function put(store: Store, path: string, text: string): Promise<void> {
  const handle = await store.claim(path);
  await handle.append(new TextEncoder().encode(text));
  await handle.release("complete");
}

function fail(): never {
  throw new Error(SECRET);
}

function streamOf(...chunks: unknown[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk as Uint8Array);
      controller.close();
    },
  });
}

async function changedHandle(claimed: Promise<AppendHandle>, change: (handle: AppendHandle) => Partial<AppendHandle>) {
  const handle = await claimed;
  return {
    get offset() {
      return handle.offset;
    },
    epoch: handle.epoch,
    generation: handle.generation,
    revoked: handle.revoked,
    append: (batch: Uint8Array) => handle.append(batch),
    release: () => handle.release(),
    ...change(handle),
  };
}

describe("a custom store that fails", () => {
  const failing: Record<string, (memory: Store) => Partial<Store>> = {
    "in claim": () => ({ claim: async () => fail() }),
    "in append": (memory) => ({ claim: (path) => changedHandle(memory.claim(path), () => ({ append: fail })) }),
    "in release": (memory) => ({
      claim: (path) =>
        changedHandle(memory.claim(path), (handle) => ({ release: async () => handle.release().then(fail) })),
    }),
    "in sessions": (memory) => ({ sessions: { ...memory.sessions, list: async () => [], find: async () => fail() } }),
  };
  for (const [where, overrides] of Object.entries(failing)) {
    it(`${where} reports the cause to the log, and only the failure to its client`, async () => {
      await withStore(overrides, async ({ lines, request }) => {
        const answer = await request("/a.txt?verb=APPEND", { method: "POST", body: "x" });
        assert.equal(answer.status, 500);
        const text = await answer.text();
        assert.match(text, /"\/a\.txt"/);
        assert.doesNotMatch(text, /hunter2/);
        assert.match(lines.join("\n"), /hunter2/);
      });
    });
  }

  for (const [when, stat] of Object.entries({ "at once": fail, later: async () => fail() })) {
    it(`in stat, ${when}`, async () => {
      await withStore(
        () => ({ stat }),
        async ({ lines, request }) => {
          const answer = await request("/a.txt");
          assert.equal(answer.status, 500);
          assert.doesNotMatch(await answer.text(), /hunter2/);
          assert.match(lines.join("\n"), /hunter2/);
        },
      );
    });
  }

  it("in a listing, at once or later", async () => {
    await withStore(
      () => ({ list: async () => fail() }),
      async ({ request }) => {
        const answer = await request("/");
        assert.equal(answer.status, 500);
        assert.doesNotMatch(await answer.text(), /hunter2/);
      },
    );
    const row: StoreEntry = { name: "a", kind: "file", size: 1, modified: new Date() };
    async function* rows(count: number): AsyncGenerator<StoreEntry> {
      for (let index = 0; index < count; index++) yield row;
      fail();
    }
    await withStore(
      () => ({ list: async () => rows(1) }),
      async ({ lines, request }) => {
        const answer = await request("/");
        assert.equal(answer.status, 500, "nothing of a short listing has been sent");
        assert.doesNotMatch(await answer.text(), /hunter2/);
        assert.match(lines.join("\n"), /hunter2/);
      },
    );
    await withStore(
      () => ({ list: async () => rows(999) }),
      async ({ lines, request }) => {
        const answer = await request("/");
        assert.equal(answer.status, 200);
        await assert.rejects(answer.text());
        assert.match(lines.join("\n"), /hunter2/);
      },
    );
  });

  it("in a read", async () => {
    await withStore(
      () => ({ read: fail }),
      async ({ memory, lines, request }) => {
        await put(memory, "a.txt", "12345");
        const answer = await request("/a.txt");
        assert.equal(answer.status, 500, "nothing of the content has been sent");
        assert.doesNotMatch(await answer.text(), /hunter2/);
        assert.match(lines.join("\n"), /hunter2/);
      },
    );
  });
});

describe("a custom store whose reads", () => {
  const bytes = (source: UnderlyingByteSource): ReadableStream<Uint8Array> => new ReadableStream(source);
  const locked = (): ReadableStream<Uint8Array> => {
    const stream = streamOf(new Uint8Array(5));
    stream.getReader();
    return stream;
  };
  const reads: Record<string, { read: () => unknown; says: RegExp }> = {
    "are byte streams that fail": { read: () => bytes({ type: "bytes", pull: fail }), says: /hunter2/ },
    "are byte streams with too many bytes": {
      read: () => bytes({ type: "bytes", start: (controller) => controller.enqueue(new Uint8Array(6)) }),
      says: /more bytes/,
    },
    "are locked": { read: locked, says: /locked/i },
    "are a promise": { read: async () => streamOf(new Uint8Array(5)), says: /getReader/ },
    "are nothing": { read: () => undefined, says: /getReader|undefined/ },
  };
  for (const [what, { read, says }] of Object.entries(reads)) {
    it(`${what} are reported to the log, and not to the client`, async () => {
      await withStore(
        () => ({ read: read as Store["read"] }),
        async ({ memory, lines, request }) => {
          await put(memory, "a.bin", "12345");
          const answer = await request("/a.bin");
          assert.equal(answer.status, 500);
          assert.doesNotMatch(await answer.text(), /hunter2/);
          assert.match(lines.join("\n"), says);
          assert.match(lines.join("\n"), /The store failed for "/);
        },
      );
    });
  }
});

describe("a custom store that returns", () => {
  const wrong: Record<string, { pieces: unknown[]; says: RegExp }> = {
    "text for bytes": { pieces: ["12345"], says: /not a Uint8Array/ },
    "memory for bytes": { pieces: [new ArrayBuffer(5)], says: /not a Uint8Array/ },
    "more bytes than were asked for": { pieces: [new Uint8Array(5), new Uint8Array(1)], says: /more bytes/ },
  };
  for (const [what, { pieces, says }] of Object.entries(wrong)) {
    it(`${what} is detected`, async () => {
      await withStore(
        () => ({ read: () => streamOf(...pieces) }),
        async ({ memory, lines, request }) => {
          await put(memory, "a.bin", "12345");
          const answer = await request("/a.bin");
          // The first piece is read before the response begins.
          if (pieces.length === 1) assert.equal(answer.status, 500);
          else await assert.rejects(answer.text());
          assert.match(lines.join("\n"), says);
        },
      );
    });
  }

  const stats: Record<string, object> = {
    "a size that is none": { size: -5, modified: new Date(), generation: "g" },
    "a size of another kind": { size: 5n, modified: new Date(), generation: "g" },
    "no time": { size: 5, generation: "g" },
    "a generation that breaks a header": { size: 5, modified: new Date(), generation: "a\r\nb: c" },
  };
  for (const [what, found] of Object.entries(stats)) {
    it(`${what} is detected`, async () => {
      await withStore(
        () => ({ stat: async () => found as never }),
        async ({ lines, request }) => {
          assert.equal((await request("/a.txt")).status, 500);
          assert.match(lines.join("\n"), /violates its contract/);
        },
      );
    });
  }

  it("handles of an earlier version of the contract works, and releases its paths", async () => {
    const old = (handle: AppendHandle): AppendHandle =>
      ({
        get offset() {
          return handle.offset;
        },
        append: (batch: Uint8Array) => handle.append(batch),
        release: () => handle.release("complete"),
      }) as AppendHandle;
    await withStore(
      (memory) => ({ claim: async (path, options) => old(await memory.claim(path, options)) }),
      async ({ request }) => {
        for (const size of [1, 2]) {
          const answer = await request("/a.txt?verb=APPEND", { method: "POST", body: "x" });
          assert.equal(answer.status, 200, await answer.text());
          assert.equal(Number(answer.headers.get("Stream-Next-Offset")), size);
        }
      },
    );
  });

  it("times and types that are invalid in a header has them replaced", async () => {
    const times = [new Date(Number.NaN), new Date(8.64e15), new Date(-8.64e15)];
    const rows = times.map((modified, at) => ({ name: `${at}`, kind: "file" as const, size: 1, modified }));
    await withStore(
      () => ({
        list: async () => rows,
        stat: async (path) =>
          path === ""
            ? undefined
            : { size: 0, modified: times[Number(path)] as Date, generation: "g", type: "text/\nplain" },
      }),
      async ({ request }) => {
        const { entries } = (await (await request("/", { headers: { Accept: "application/json" } })).json()) as {
          entries: { modified: string }[];
        };
        const years = entries.map(({ modified }) => modified.slice(0, 4));
        assert.deepEqual(years, ["1970", "9999", "0000"]);
        assert.match(await (await request("/", { headers: { Accept: "text/html" } })).text(), /9999-12-31/);
        for (const path of ["/0", "/1", "/2"]) {
          const { status, headers } = await request(path);
          assert.equal(status, 200);
          assert.ok(!Number.isNaN(Date.parse(headers.get("Last-Modified") ?? "")));
          assert.match(headers.get("Content-Type") ?? "", /^text\/plain/);
        }
      },
    );
  });
});
