/** `storeSuite()` finds the faults of a store, and skips what a store lacks. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryStore } from "../../mod.ts";
import {
  type AppendHandle,
  type RegisterTest,
  type Store,
  type StoreEntry,
  StreamError,
  storeSuite,
} from "../../src/store/mod.ts";

type Run = () => Promise<void>;

/** Registers the suite for a store. Returns the cases by title, without the name of the store. */
async function casesOf(open: () => Store, skips?: Record<string, string>): Promise<[Map<string, Run>, string[]]> {
  const cases = new Map<string, Run>();
  const skipped: string[] = [];
  const test: RegisterTest = Object.assign((title: string, run: Run) => cases.set(title.replace("it: ", ""), run), {
    skip: (title: string) => skipped.push(title.replace("it: ", "")),
  });
  await storeSuite({ name: "it", open: () => ({ store: open() }), test, ...(skips && { skips }) });
  return [cases, skipped];
}

/** A memory store with some members replaced. */
function withFault(fault: (store: Store) => Partial<Store>): () => Store {
  return () => {
    const store = memoryStore();
    const replaced = fault(store);
    return new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(name in replaced ? replaced : target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
}

/** A memory store whose handles have some members replaced. */
function withHandles(fault: (handle: AppendHandle) => Partial<AppendHandle>): () => Store {
  return withFault((store) => {
    const claim = store.claim.bind(store);
    return {
      async claim(path, options) {
        const handle = await claim(path, options);
        const replaced = fault(handle);
        return new Proxy(handle, {
          get(target, name) {
            const value: unknown = Reflect.get(name in replaced ? replaced : target, name);
            return typeof value === "function" ? value.bind(target) : value;
          },
        });
      },
    };
  });
}

const FAULTS: Record<string, [open: () => Store, found: string]> = {
  "a size that is one too large": [
    withHandles((handle) => {
      const append = handle.append.bind(handle);
      return { append: async (batch) => (await append(batch)) + 1 };
    }),
    "appends: each append resolves with the new size, and the offset moves on with it",
  ],
  "a listing in another order": [
    withFault((store) => {
      const list = store.list.bind(store);
      return { list: async (...from) => ((await list(...from)) as StoreEntry[] | undefined)?.reverse() };
    }),
    "stat, list and remove: a listing has a row for each file and folder, sorted by name, with sizes",
  ],
  "an error of another class": [
    withFault((store) => ({
      remove: (path) =>
        store.remove(path).catch((error: unknown) => {
          throw new Error(String(error));
        }),
    })),
    "stat, list and remove: a path with an appender is not removed",
  ],
  "a removal that ignores the appender": [
    withFault(() => ({ remove: async () => true })),
    "stat, list and remove: a path with an appender is not removed",
  ],
  "a range that ignores the generation": [
    withFault((store) => {
      const read = store.read.bind(store);
      return { read: (path, from, to, signal) => read(path, from, to, signal) };
    }),
    "contents: a range of one content is never read from another one",
  ],
  "a claim that never fails": [
    withFault((store) => {
      const claim = store.claim.bind(store);
      let last: AppendHandle | undefined;
      return {
        async claim(path, options) {
          last = await claim(path, options).catch((error: unknown) => {
            if (last) return last;
            throw error;
          });
          return last;
        },
      };
    }),
    "claims: a claimed path is refused with conflict, and stays with its owner",
  ],
};

describe("storeSuite()", () => {
  for (const [fault, [open, found]] of Object.entries(FAULTS)) {
    it(`finds ${fault}`, async () => {
      const [cases] = await casesOf(open);
      await assert.rejects(cases.get(found) ?? assert.fail(`there is no case "${found}"`));
    });
  }

  it("says what differs", async () => {
    const [cases] = await casesOf(withFault(() => ({ remove: async () => true })));
    const run = cases.get("stat, list and remove: a path with an appender is not removed");
    await assert.rejects(run ?? assert.fail, /expected conflict, but it succeeded/);
  });

  it("skips the cases of optional parts that a store lacks, and those that its author names, with the reason", async () => {
    const bare = withHandles(() => ({ discard: undefined }) as never);
    const [cases, skipped] = await casesOf(bare, { "hundreds of names": "too slow here" });
    const alone = skipped.filter((title) => !title.startsWith("shared: "));
    assert.equal(alone.length, 5, skipped.join("\n"));
    assert.equal(skipped.length - alone.length, 13, "no other process may use its data");
    assert.match(skipped.join("\n"), /discarded claim .* \(skipped: its handles have no "discard".*\)/);
    assert.match(skipped.join("\n"), /hundreds of names \(skipped: too slow here\)/);
    assert.ok(![...cases.keys()].some((title) => skipped.some((name) => name.startsWith(title))));
  });

  it("refuses to skip a case that it does not have", async () => {
    await assert.rejects(casesOf(memoryStore, { nothing: "no reason" }), /has no case "nothing"/);
  });

  it("registers its cases for a store that can't be used at all; they fail", async () => {
    const broken = withFault(() => ({ claim: () => Promise.reject(new StreamError("storage", "The disk is gone.")) }));
    const [cases, skipped] = await casesOf(broken);
    assert.deepEqual(skipped, []);
    const run = cases.get("claims: a release frees the path, once");
    await assert.rejects(run ?? assert.fail, /The disk is gone/);
  });

  it("closes each store, also after a failure", async () => {
    let opened = 0;
    const cases: Run[] = [];
    const open = () => {
      opened++;
      return { store: withFault(() => ({ remove: async () => true }))(), close: () => void opened-- };
    };
    await storeSuite({ name: "it", open, test: (_, run) => cases.push(run) });
    assert.equal(opened, 0);
    for (const run of cases.slice(0, 40)) await run().catch(() => {});
    assert.equal(opened, 0);
  });
});
