/**
 * The suite of the Store contract, for any driver, runtime and test runner.
 * @module
 */
import type { Store } from "../../engine/storage/store.ts";
import { StoreLifecycle } from "../../engine/storage/store-lifecycle.ts";
import type { OtherProcess } from "./actor.ts";
import { APPENDS } from "./appends.ts";
import { type Case, type Cases, missingParts, type Need } from "./cases.ts";
import { CLAIMS } from "./claims.ts";
import { CONTENTS } from "./contents.ts";
import { LISTS } from "./lists.ts";
import { PARTS } from "./parts.ts";
import { PATHS } from "./paths.ts";
import { READS } from "./reads.ts";
import { SESSIONS } from "./sessions.ts";
import { SHARED } from "./shared.ts";
import { STREAMS } from "./streams.ts";
import { SUBSCRIPTIONS } from "./subscriptions.ts";

/** An empty store for one case. */
export interface OpenStore {
  /** The store. If it has `open` and `close`, the suite calls them. */
  readonly store: Store;
  /**
   * Opens a second store on the same data, as another part of the program or another process would. Default: `store`
   * itself, for data that only one store can have.
   */
  again?(): Store;
  /**
   * Starts another process with a store on the same data, in which {@link storeActor} executes the commands of the suite: a
   * child process, or a second instance of the driver that behaves like one. The suite ends it after the case. Default: no other
   * process may use the data, and the section `shared` is skipped.
   */
  elsewhere?(): Promise<OtherProcess> | OtherProcess;
  /** Removes the store's data. Default: nothing is left to remove. */
  close?(): Promise<void> | void;
}

/**
 * Registers a test: `test` of `node:test`, of `bun:test` and of Vitest, and `Deno.test`, are such functions. Where they
 * have `skip` or `ignore`, it registers a test that is skipped.
 */
export interface RegisterTest {
  /** Registers a test, which fails if `run` rejects. */
  (name: string, run: () => Promise<void>): unknown;
  /** Registers a test that is skipped. */
  skip?: (name: string, run: () => Promise<void>) => unknown;
  /** The same, as Deno calls it. */
  ignore?: (name: string, run: () => Promise<void>) => unknown;
}

/** Options of {@link storeSuite}. */
export interface StoreSuiteOptions {
  /** The name of the store, with which the title of each test begins. */
  readonly name: string;
  /** Opens an empty store. Called once before the tests are registered, and once for each test. */
  open(): Promise<OpenStore> | OpenStore;
  /** Registers a test with the test runner. */
  readonly test: RegisterTest;
  /**
   * The cases that the store can't pass, each with its reason: by title, without the names of the store and the section.
   * Default: none.
   */
  readonly skips?: Readonly<Record<string, string>>;
}

const SECTIONS: Readonly<Record<string, Cases>> = {
  claims: CLAIMS,
  contents: CONTENTS,
  appends: APPENDS,
  reads: READS,
  "stat, list and remove": LISTS,
  paths: PATHS,
  sessions: SESSIONS,
  "optional parts": PARTS,
  shared: SHARED,
  streams: STREAMS,
  subscriptions: SUBSCRIPTIONS,
};

/**
 * Registers the tests of the Store contract for a store, as it is: without the guard that the server puts around it.
 * Each test gets its own empty store. Cases for optional methods that the store lacks are skipped, with the reason in
 * their title. Resolves when all tests are registered: await it at the top level of a test file.
 *
 * @throws {TypeError} if `skips` has the title of no case.
 * @example
 * ```ts
 * import { test } from "node:test";
 * import { memoryStore } from "httpfstream";
 * import { storeSuite } from "httpfstream/store";
 *
 * await storeSuite({ name: "memoryStore", open: () => ({ store: memoryStore() }), test });
 * ```
 */
export async function storeSuite({ name, open, test, skips = {} }: StoreSuiteOptions): Promise<void> {
  const all = Object.values(SECTIONS).flatMap((cases) => Object.keys(cases));
  const unknown = Object.keys(skips).find((title) => !all.includes(title));
  if (unknown !== undefined) throw new TypeError(`The suite has no case ${JSON.stringify(unknown)}; "skips" names it.`);
  const lacking = await probe(open);
  for (const [section, cases] of Object.entries(SECTIONS)) {
    for (const [title, run] of Object.entries(cases)) {
      const own = Object.hasOwn(skips, title) ? skips[title] : undefined;
      const needs = [run.needs ?? []].flat();
      const reason = own ?? needs.map((need) => lacking.get(need)).find((why) => why !== undefined);
      const full = `${name}: ${section}: ${title}`;
      if (reason === undefined) test(full, () => runCase(open, run));
      else skip(test, `${full} (skipped: ${reason})`);
    }
  }
}

async function runCase(open: StoreSuiteOptions["open"], run: Case): Promise<void> {
  const opened = await open();
  const { close, elsewhere } = opened;
  const stores: StoreLifecycle[] = [];
  const others: OtherProcess[] = [];
  const used = (store: Store): Store => {
    const lifecycle = new StoreLifecycle(store);
    stores.push(lifecycle);
    return lifecycle.store;
  };
  try {
    const store = used(opened.store);
    await stores[0]?.open();
    await run({
      store,
      again: () => (opened.again ? used(opened.again()) : store),
      async elsewhere() {
        if (!elsewhere) throw new TypeError('The store has no "elsewhere".');
        const other = await elsewhere();
        others.push(other);
        return other;
      },
    });
  } finally {
    for (const other of others) await other.kill();
    for (const lifecycle of stores) await lifecycle.close();
    await close?.();
  }
}

/** The features that the store lacks. If the store fails, its tests will say how. */
async function probe(open: StoreSuiteOptions["open"]): Promise<ReadonlyMap<Need, string>> {
  const { store, elsewhere, close } = await open();
  const lifecycle = new StoreLifecycle(store);
  try {
    await lifecycle.open();
    return await missingParts(store, elsewhere);
  } catch {
    return new Map();
  } finally {
    await lifecycle.close();
    await close?.();
  }
}

function skip(test: RegisterTest, title: string): void {
  const register = test.skip ?? test.ignore ?? test;
  register.call(test, title, async () => {});
}
