/** The parts of subscriptions: turns, keys, what is watched, what a process remembers, and the ends of streams. */
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { SubscriptionRecord } from "../../src/engine/storage/subscription-record.ts";
import { Entries, Entry } from "../../src/engine/subscriptions/entry.ts";
import { SigningKeys } from "../../src/engine/subscriptions/signing.ts";
import { Slots } from "../../src/engine/subscriptions/slots.ts";
import { SUBSCRIPTION_CODES, SubscriptionError } from "../../src/engine/subscriptions/subscription-error.ts";
import { tailsOf } from "../../src/engine/subscriptions/tails.ts";
import { below, globOf, isMatched, matchesIn, relativeTo } from "../../src/engine/subscriptions/watched-paths.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { put } from "../contract/store/driver.ts";
import { withMembers } from "../fixture/durable-rig.ts";

const CONFIG = {
  type: "webhook",
  url: "https://hooks.example/",
  pattern: "events/*",
  streams: [],
  leaseTtlMs: 1,
} as const;

function record(more: Partial<SubscriptionRecord> = {}): SubscriptionRecord {
  return {
    ...{ root: "", id: "s", nonce: "n", revision: 1, baseUrl: "http://a", createdAt: "2026-01-01T00:00:00Z" },
    ...{ config: CONFIG, streams: [], generation: 0, failures: 0, ...more },
  };
}

describe("the turns of deliveries", () => {
  /** Tasks that end when the test says so. */
  function tasks(most: number) {
    const slots = new Slots(most);
    const started: string[] = [];
    const ends = new Map<string, (error?: Error) => void>();
    const run = (name: string, failing = false): Promise<void> =>
      slots.run(failing, () => {
        started.push(name);
        return new Promise((resolve, reject) => {
          ends.set(name, (error) => (error ? reject(error) : resolve()));
        });
      });
    const end = async (name: string, error?: Error): Promise<void> => {
      ends.get(name)?.(error);
      await turn();
    };
    return { slots, started, run, end };
  }

  it("are limited, and in order", async () => {
    const { slots, started, run, end } = tasks(2);
    const all = ["1", "2", "3", "4"].map((name) => run(name));
    await turn();
    assert.deepEqual([started, slots.running], [["1", "2"], 2]);
    await end("2");
    assert.deepEqual([started, slots.running], [["1", "2", "3"], 2]);
    await end("1");
    await end("3");
    await end("4");
    await Promise.all(all);
    assert.deepEqual([started, slots.running], [["1", "2", "3", "4"], 0]);
  });

  it("are at most the half for receivers that have failed, and at least one", async () => {
    const { started, run, end } = tasks(4);
    for (const name of ["f1", "f2", "f3"]) void run(name, true);
    void run("a");
    await turn();
    assert.deepEqual(started, ["f1", "f2", "a"]);
    await end("a");
    assert.deepEqual(started, ["f1", "f2", "a"]);
    await end("f1");
    assert.deepEqual(started, ["f1", "f2", "a", "f3"]);
    const one = tasks(1);
    void one.run("f1", true);
    void one.run("f2", true);
    await turn();
    assert.deepEqual(one.started, ["f1"]);
    await one.end("f1");
    assert.deepEqual(one.started, ["f1", "f2"]);
    const odd = tasks(3);
    for (const name of ["f1", "f2"]) void odd.run(name, true);
    await turn();
    assert.deepEqual(odd.started, ["f1"]);
  });

  it("of others are not held up by those that have failed", async () => {
    const { started, run, end } = tasks(2);
    for (const name of ["f1", "f2"]) void run(name, true);
    for (const name of ["a", "b"]) void run(name);
    await turn();
    assert.deepEqual(started, ["f1", "a"]);
    await end("a");
    assert.deepEqual(started, ["f1", "a", "b"]);
  });

  it("go on after an error, which comes back", async () => {
    const { slots, started, run, end } = tasks(1);
    const failed = run("1", true);
    void run("2", true);
    await turn();
    const rejected = assert.rejects(failed, /gone/);
    await end("1", new Error("gone"));
    await rejected;
    assert.deepEqual([started, slots.running], [["1", "2"], 1]);
  });
});

describe("the keys of subscriptions", () => {
  it("sign bodies, for everybody who has the public one", async () => {
    const keys = await SigningKeys.open(await SigningKeys.create());
    const header = await keys.sign("body", 1_234);
    const [, kid, signed = ""] = /^t=1234,kid=(ds_[\w-]{43}),ed25519=([\w-]{86})$/.exec(header) ?? [];
    assert.equal(kid, keys.publicKey.kid);
    const { kty, crv, x, use, alg } = keys.publicKey;
    assert.deepEqual([kty, crv, use, alg], ["OKP", "Ed25519", "sig", "EdDSA"]);
    const key = createPublicKey({ key: { kty, crv, x }, format: "jwk" });
    const check = (text: string): boolean => verify(null, Buffer.from(text), key, Buffer.from(signed, "base64url"));
    assert.deepEqual([check("1234.body"), check("1235.body"), check("1234.Body")], [true, false, false]);
  });

  it("are the same after they were stored, and their name is the thumbprint of RFC 7638", async () => {
    const text = await SigningKeys.create();
    const [one, two] = [await SigningKeys.open(text), await SigningKeys.open(text)];
    assert.deepEqual(one.publicKey, two.publicKey);
    assert.equal(await one.sign("x", 1), await two.sign("x", 1));
    // The key and its thumbprint in appendix A of RFC 8037.
    const signing = {
      ...{ kty: "OKP", crv: "Ed25519", d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A" },
      x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    };
    const known = await SigningKeys.open(JSON.stringify({ signing, tokens: "AAAA" }));
    assert.equal(known.publicKey.kid, "ds_kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  });

  it("make tokens that stand for one wake of one subscription", async () => {
    const keys = await SigningKeys.open(await SigningKeys.create());
    const other = await SigningKeys.open(await SigningKeys.create());
    for (let generation = 1; generation <= 40; generation++) {
      const claims = { root: "r", id: "s", nonce: crypto.randomUUID(), generation };
      const token = await keys.token(claims);
      assert.match(token, /^[\w.-]+$/);
      assert.equal(await keys.token(claims), token);
      assert.deepEqual(await keys.claimsOf("r", "s", token), claims);
      assert.equal(await keys.claimsOf("", "s", token), undefined);
      assert.equal(await keys.claimsOf("r", "t", token), undefined);
      assert.equal(await other.claimsOf("r", "s", token), undefined);
      const [, nonce, mac] = token.split(".");
      assert.equal(await keys.claimsOf("r", "s", `${generation + 1}.${nonce}.${mac}`), undefined);
      for (const bad of [`x${token}`, `${token}x`, `.${token}`, token.slice(0, -1)]) {
        assert.equal(await keys.claimsOf("r", "s", bad), undefined, bad);
      }
    }
    for (const bad of ["", "a.b.c", "1..", "1.n.", `1.n.${"!".repeat(43)}`]) {
      assert.equal(await keys.claimsOf("r", "s", bad), undefined, bad);
    }
  });

  it("have secrets of their own, of 32 bytes", async () => {
    const [one, two] = [await SigningKeys.create(), await SigningKeys.create()].map((text) => JSON.parse(text));
    assert.notEqual(one.tokens, two.tokens);
    assert.equal(Buffer.from(one.tokens, "base64url").length, 32);
    assert.notEqual(one.signing.x, two.signing.x);
  });

  it("that can't be read are refused, with what to do", async () => {
    for (const text of ["", "{}", '{"signing":{},"tokens":"AAAA"}']) {
      await assert.rejects(SigningKeys.open(text), (error) => {
        assert.ok(error instanceof TypeError && error.cause !== undefined);
        assert.match(error.message, /Remove its file/);
        return true;
      });
    }
  });
});

describe("the paths that a subscription watches", () => {
  it("are below its root, and no control path", () => {
    assert.equal(relativeTo("", "a/b"), "a/b");
    assert.equal(relativeTo("v1/stream", "v1/stream/a"), "a");
    for (const path of ["v1/streams/a", "v1/stream", "a"]) assert.equal(relativeTo("v1/stream", path), undefined);
    assert.equal(relativeTo("", "__ds/a"), undefined);
    assert.equal(relativeTo("r", "r/a/__ds"), undefined);
    assert.deepEqual([below("", "a"), below("r", "a")], ["a", "r/a"]);
  });

  it("are those of the pattern, without its own wake stream", () => {
    const watcher = { root: "", config: { ...CONFIG, wakeStream: "events/wake" } };
    assert.deepEqual(
      ["events/a", "events/wake", "events/a/b", "others/a"].map((path) => isMatched(watcher, path)),
      [true, false, false, false],
    );
    const { pattern: _, ...none } = CONFIG;
    assert.equal(isMatched({ root: "", config: none }, "events/a"), false);
    assert.throws(() => globOf("a//b"));
    assert.equal(globOf("a/*"), globOf("a/*"));
  });

  it("are found in the store, in the folders that the pattern reaches", async () => {
    const memory = memoryStore();
    for (const path of ["r/events/a", "r/events/b/c", "r/events/wake", "r/__ds/x", "r/other/y", "r/top", "events/z"]) {
      await put(memory, path, "x");
    }
    const listed: string[] = [];
    const store = withMembers(memory, {
      list: (folder, options) => {
        listed.push(folder);
        return memory.list(folder, options);
      },
    });
    const find = async (pattern: string | undefined, most = 10, known?: ReadonlySet<string>): Promise<string[]> => {
      const { pattern: _, ...rest } = CONFIG;
      const config = { ...rest, ...(pattern !== undefined && { pattern }), wakeStream: "events/wake" };
      return (await matchesIn(store, { root: "r", config }, most, known)).sort();
    };
    assert.deepEqual(await find(undefined), []);
    assert.deepEqual(listed, []);
    assert.deepEqual(await find("events/*"), ["events/a"]);
    assert.deepEqual(listed, ["r", "r/events", "r/events/b"]);
    assert.deepEqual(await find("events/**"), ["events/a", "events/b/c"]);
    assert.deepEqual(await find("**"), ["events/a", "events/b/c", "other/y", "top"]);
    assert.deepEqual(await find("**", 10, new Set(["top", "other/y"])), ["events/a", "events/b/c"]);
    assert.equal((await find("**", 2)).length, 3);
    assert.equal((await find("**", 3)).length, 4);
    const none = await matchesIn(store, { root: "missing", config: CONFIG }, 10);
    assert.deepEqual(none, []);
  });
});

describe("what a process remembers of a subscription", () => {
  it("is what has grown, until that is on record", () => {
    const entry = new Entry(record());
    assert.deepEqual([entry.hasGrown, entry.grown], [false, []]);
    entry.grew("a");
    entry.grew("b");
    const { grown } = entry;
    assert.equal(entry.hasGrown, true);
    assert.deepEqual(
      grown.map(([path]) => path),
      ["a", "b"],
    );
    entry.grew("b");
    entry.looked(grown);
    assert.deepEqual(
      entry.grown.map(([path]) => path),
      ["b"],
    );
    entry.looked(entry.grown);
    assert.equal(entry.hasGrown, false);
  });

  it("is the newest record of each", (t) => {
    const entries = new Entries();
    const first = entries.take(record());
    assert.ok(first);
    assert.deepEqual([entries.size, entries.all, entries.get({ root: "", id: "s" })], [1, [first], first]);
    assert.equal(entries.get({ root: "r", id: "s" }), undefined);
    assert.equal(entries.take(record()), undefined);
    assert.equal(entries.take(record({ revision: 0 })), undefined);
    const newer = record({ revision: 2, generation: 5 });
    assert.equal(entries.take(newer), first);
    assert.equal(first.record, newer);
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let fired = 0;
    first.timer = setTimeout(() => fired++, 5);
    const other = entries.take(record({ nonce: "other", revision: 1 }));
    assert.notEqual(other, first);
    assert.equal(entries.size, 1);
    entries.drop(first);
    assert.equal(entries.size, 1);
    assert.ok(other);
    other.timer = setTimeout(() => fired++, 5);
    entries.drop(other);
    t.mock.timers.tick(10);
    assert.deepEqual([entries.size, fired], [0, 0]);
  });

  it("is which of them watch a path", () => {
    const entries = new Entries();
    assert.deepEqual(entries.watching("events/a"), []);
    const one = entries.take(record());
    const watching = (path: string): string[] =>
      entries.watching(path).map(([{ record: found }, relative]) => `${found.root}:${found.id} ${relative}`);
    assert.deepEqual(watching("events/a"), [":s events/a"]);
    assert.equal(entries.watching("events/a"), entries.watching("events/a"));
    assert.deepEqual(watching("other/a"), []);
    entries.take(record({ root: "r", id: "t", nonce: "t" }));
    assert.deepEqual(watching("r/events/a"), ["r:t events/a"]);
    assert.deepEqual(watching("events/a"), [":s events/a"]);
    const named = { path: "other/a", glob: false, explicit: true, acked: 0, generation: "" };
    entries.take(record({ revision: 2, streams: [named] }));
    assert.deepEqual([watching("other/a"), watching("other/b")], [[":s other/a"], []]);
    entries.take(record({ revision: 3, streams: [{ ...named, path: "other/b" }] }));
    assert.deepEqual([watching("other/a"), watching("other/b")], [[], [":s other/b"]]);
    const pull = { ...CONFIG, type: "pull-wake", wakeStream: "wake" } as const;
    const other = entries.take(record({ root: "q", id: "u", nonce: "u", config: pull }));
    assert.ok(other);
    assert.deepEqual([watching("other/b"), watching("q/events/a")], [[":s other/b"], ["q:u events/a"]]);
    entries.drop(other);
    entries.take(record({ revision: 4, streams: [{ ...named, path: "other/b", explicit: false, glob: true }] }));
    assert.deepEqual(watching("other/b"), []);
    assert.ok(one);
    assert.deepEqual(watching("events/b"), [":s events/b"]);
    entries.drop(one);
    assert.deepEqual(watching("events/b"), []);
    assert.deepEqual(watching("r/events/b"), ["r:t events/b"]);
    entries.take(record({ root: "r", id: "t", nonce: "later", config: { ...CONFIG, pattern: "x" } }));
    assert.deepEqual(watching("r/events/b"), []);
  });
});

describe("the ends of streams", () => {
  it("are those that readers are told, of what exists", async () => {
    const store = memoryStore();
    await put(store, "r/text", "12345");
    const handle = await store.claim("r/lines");
    await handle.append(Buffer.from('1\n{"a":'), { created: true, type: "application/json", producers: {} });
    await handle.release("complete");
    const paths = ["text", "lines", "none", "text/below", ...Array.from({ length: 40 }, (_, at) => `none${at}`)];
    const tails = await tailsOf(store, "r", paths);
    assert.deepEqual([...tails.keys()].sort(), ["lines", "text"]);
    assert.deepEqual([tails.get("text")?.offset, tails.get("lines")?.offset], [5, 2]);
    assert.equal(tails.get("text")?.generation, (await store.stat("r/text"))?.generation);
    assert.equal((await tailsOf(store, "", ["r/text"])).get("r/text")?.offset, 5);
    assert.equal((await tailsOf(store, "", [])).size, 0);
  });

  it("are looked at several at a time, and fail with the store", async () => {
    const memory = memoryStore();
    let [now, most] = [0, 0];
    const slow = withMembers(memory, {
      stat: async () => {
        most = Math.max(most, ++now);
        await turn();
        now--;
        return undefined;
      },
    });
    await tailsOf(
      slow,
      "",
      Array.from({ length: 50 }, (_, at) => `a${at}`),
    );
    assert.equal(most, 16);
    for (const code of ["bad_path", "storage"] as const) {
      const store = withMembers(memory, {
        stat: () => Promise.reject(new StreamError(code, "The test fails it.", {})),
      });
      if (code === "bad_path") assert.equal((await tailsOf(store, "", ["a"])).size, 0);
      else await assert.rejects(tailsOf(store, "", ["a"]), { code });
    }
    const broken = withMembers(memory, { stat: () => Promise.reject(new RangeError("gone")) });
    await assert.rejects(tailsOf(broken, "", ["a"]), RangeError);
  });
});

describe("the refusals of subscriptions", () => {
  it("have the statuses of their codes", () => {
    for (const [code, status] of Object.entries(SUBSCRIPTION_CODES)) {
      const error = new SubscriptionError(code as keyof typeof SUBSCRIPTION_CODES, "text", { a: 1 });
      assert.deepEqual([error.status, error.code, error.message, error.details], [status, code, "text", { a: 1 }]);
    }
    assert.deepEqual(new SubscriptionError("FENCED", "text").details, {});
  });
});
