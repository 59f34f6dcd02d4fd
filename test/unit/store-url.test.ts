/** The URLs of stores, and the options that exclude each other. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WrongUsage } from "../../src/cli/common/options.ts";
import { checkedPlace, type StoreFlags } from "../../src/cli/serve/served-store.ts";
import { parseStoreUrl, shownPlace } from "../../src/cli/stores/store-url.ts";

describe("the URL of a store", () => {
  const places: [string, object][] = [
    ["file:./data", { kind: "file", folder: "./data" }],
    ["file:/var/a%20b", { kind: "file", folder: "/var/a%20b" }],
    ["file:///var/a%20b", { kind: "file", folder: "/var/a b" }],
    ["FILE:x", { kind: "file", folder: "x" }],
    ["memory:", { kind: "memory" }],
    ["nats://n1", { kind: "nats", servers: "nats://n1" }],
    ["nats://n1:4222,n2:4222", { kind: "nats", servers: "nats://n1:4222,n2:4222" }],
    ["tls://n1", { kind: "nats", servers: "tls://n1" }],
  ];
  for (const [text, place] of places) {
    it(`${text} is understood`, () => assert.deepEqual(parseStoreUrl(text, "--store"), place));
  }

  const wrong: [string, RegExp][] = [
    ["redis://h", /^There is no store "redis:"\. --store must begin with file: .*memory:, nats:\/\/ or tls:\/\//],
    ["./data", /must begin with file: .*For the folder \.\/data, use file:\.\/data\.$/],
    ["", /^--store must begin with/],
    ["file:", /^--store file: must name a folder/],
    ["file://host/data", /^--store file: must name a folder of this machine/],
    ["memory:x", /has nothing behind its colon/],
    ["nats:", /must name the NATS servers, such as nats:\/\/n1:4222,n2:4222/],
    ["tls://", /such as tls:\/\//],
  ];
  for (const [text, pattern] of wrong) {
    it(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => parseStoreUrl(text, "--store"), { name: "WrongUsage", message: pattern });
    });
  }

  it("is shown without its password", () => {
    const shown = (servers: string): string => shownPlace({ kind: "nats", servers });
    assert.equal(shown("nats://me:s3cr@t@n1:4222, n2"), "nats://n1:4222,n2");
    assert.equal(shown("tls://t0ken@n1,other:s3cret@n2:4222,"), "tls://n1,n2:4222");
    for (const text of ["me:s3cret@n1:4222", "s3cret@n1", "mongodb://me:s3cret@n1"]) {
      assert.throws(
        () => parseStoreUrl(text, "--store"),
        (error) => error instanceof WrongUsage && !error.message.includes("s3cret"),
      );
    }
  });
});

describe("options of stores", () => {
  const NATS = { store: "nats://n1", storeMonitor: ["http://n1:8222"] };

  /** The place that options name. Those of `given` were given; `store` counts as given by `from`. */
  function place(flags: Partial<StoreFlags>, given: readonly string[] = [], from = "cli"): object {
    const all: StoreFlags = { root: "./data", durability: "os", storeMonitor: [], ...flags };
    return checkedPlace(all, (name) => (name === "store" ? from : given.includes(name) ? "env" : "default"));
  }

  it("name the folder of --root by default", () => {
    assert.deepEqual(place({ root: "/srv" }, ["root", "durability"]), { kind: "file", folder: "/srv" });
    assert.deepEqual(place({ store: "file:/x" }, ["durability"]), { kind: "file", folder: "/x" });
  });

  it("name NATS servers", () => {
    assert.deepEqual(place(NATS), { kind: "nats", servers: "nats://n1" });
    const login = { ...NATS, store: "nats://me:secret@n1" };
    assert.deepEqual(place(login, [], "env"), { kind: "nats", servers: "nats://me:secret@n1" });
    assert.deepEqual(place({ store: "nats://n1", storeUnsafeSync: true }), { kind: "nats", servers: "nats://n1" });
  });

  const wrong: [string, Partial<StoreFlags>, string[], RegExp][] = [
    ["two stores", NATS, ["root"], /--root .* and --store .* name two stores\. Leave one of them out/],
    ["a level of durability on NATS", NATS, ["durability"], /--durability .* is for folders: .*majority.*Leave it out/],
    ["a level of durability in memory", { store: "memory:" }, ["durability"], /nothing in memory survives/],
    ["replicas of a folder", { replicas: "3" }, [], /^--replicas is for a store on NATS\. .*use --store nats:/],
    ["monitors of a folder", { store: "file:x", storeMonitor: ["http://n1"] }, [], /^--store-monitor is for/],
    ["no proof of a folder", { storeUnsafeSync: true }, [], /^--store-unsafe-sync is for/],
    ["no proof", { store: "nats://n1" }, [], /"sync_interval: always".*--store-monitor.*--store-unsafe-sync/],
    ["a proof, and none", { ...NATS, storeUnsafeSync: true }, [], /Leave one of them out/],
    ["two logins", { ...NATS, storeCreds: "a", storeNkey: "b" }, [], /either --store-creds or --store-nkey/],
    ["a certificate without its key", { ...NATS, storeCert: "c" }, [], /^--store-cert needs --store-key/],
    ["a key without its certificate", { ...NATS, storeKey: "k" }, [], /^--store-key needs --store-cert/],
    ["a login for monitors", { ...NATS, storeMonitor: ["http://me:s3cret@n1"] }, [], /^--store-monitor can't have/],
    ["a visible password", { ...NATS, store: "nats://me:s3cret@n1" }, [], /command lines.*HTTPFSTREAM_STORE/],
    ["an unknown scheme", { store: "redis://n1" }, [], /There is no store "redis:"/],
  ];
  for (const [what, flags, given, pattern] of wrong) {
    it(`refuse ${what}, with a remedy`, () => {
      assert.throws(
        () => place(flags, given),
        (error) => error instanceof WrongUsage && pattern.test(error.message) && !error.message.includes("s3cret"),
      );
    });
  }

  it("refuse two logins if one is in the URL", () => {
    const flags = { ...NATS, store: "nats://me@n1", storeCreds: "a" };
    assert.throws(() => place(flags, [], "env"), /either --store-creds or the user in the URL/);
  });
});
