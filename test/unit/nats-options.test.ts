/** The options of a store on NATS from those of a command, and packages that are missing. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { WrongUsage } from "../../src/cli/common/options.ts";
import { natsOptions, natsStore } from "../../src/cli/stores/nats.ts";
import type { JetStreamStoreOptions } from "../../src/stores/jetstream/mod.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const SAFE = { storeMonitor: ["http://n1:8222"] };

describe("a store on NATS", () => {
  let folder: string;
  before(async () => {
    folder = await temporaryFolder("nats-options");
  });
  after(() => removeFolder(folder));

  async function file(name: string): Promise<string> {
    await writeFile(join(folder, name), `content of ${name}`);
    return join(folder, name);
  }

  it("gets what the options say, and the contents of files", async () => {
    const flags = { ...SAFE, replicas: "3", storePrefix: "two", storeNkey: await file("seed") };
    assert.deepEqual(await natsOptions("nats://n1", flags), {
      servers: "nats://n1",
      replicas: 3,
      prefix: "two",
      nkey: "content of seed",
      monitors: ["http://n1:8222"],
    });
    const tls = { storeCa: await file("ca"), storeCert: await file("cert"), storeKey: await file("key") };
    const more = { ...tls, storeCreds: await file("creds"), storeMonitor: [], storeUnsafeSync: true };
    assert.deepEqual(await natsOptions("tls://n1", more), {
      servers: "tls://n1",
      credentials: "content of creds",
      tls: { ca: "content of ca", cert: "content of cert", key: "content of key" },
      unsafeSync: true,
    });
  });

  it("names the option and the file that can't be read", async () => {
    const missing = natsOptions("nats://n1", { ...SAFE, storeCreds: join(folder, "none.creds") });
    await assert.rejects(missing, /^Error: --store-creds .*none\.creds can't be read: no such file\.$/);
  });

  it("says how to install its packages, if one is missing", async () => {
    for (const message of [
      "Cannot find package '@nats-io/transport-node' imported from /app/dist/programs/store.js",
      'Could not resolve "@nats-io/jetstream"',
      'Import "@nats-io/jetstream" not a dependency',
    ]) {
      const load = async (): Promise<never> => Promise.reject(new Error(message));
      const made = natsStore("nats://n1", SAFE, load);
      await assert.rejects(made, /npm install @nats-io\/transport-node @nats-io\/jetstream/);
    }
    const load = async (): Promise<never> => Promise.reject(new Error("Unexpected token in store.js"));
    await assert.rejects(natsStore("nats://n1", SAFE, load), /^Error: Unexpected token/);
  });

  it("is made of the options; those that it refuses are a usage error", async () => {
    let given: JetStreamStoreOptions | undefined;
    const memory = memoryStore();
    const load = async () => ({
      jetstreamStore: (options: JetStreamStoreOptions) => {
        given = options;
        return memory;
      },
    });
    assert.equal(await natsStore("nats://n1", SAFE, load), memory);
    assert.deepEqual(given, { servers: "nats://n1", monitors: SAFE.storeMonitor });
    await assert.rejects(natsStore("nats://n1", { ...SAFE, storePrefix: "A B" }), (error) => {
      return error instanceof WrongUsage && /"prefix" must be/.test(error.message);
    });
  });
});
