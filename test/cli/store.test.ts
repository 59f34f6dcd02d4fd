/** `serve --store`: which stores it opens, and what it refuses. test/cluster/serve.test.ts has those on NATS. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { append, follow } from "../../src/client/mod.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { start } from "./commands.ts";

const ANY = ["--http", "127.0.0.1:0"];

describe("serve --store", { timeout: 120_000 }, () => {
  let folder: string;
  before(async () => {
    folder = await temporaryFolder("store");
  });
  after(() => removeFolder(folder));

  it("file: is the same as --root", async () => {
    const root = join(folder, "named");
    const server = await start("node", ["serve", "--store", `file:${root}`, "--durability", "disk", ...ANY]);
    const [, url = ""] = await server.printed(new RegExp(`, serving ${root} at (\\S+)/`));
    await append(`${url}/a.txt`, "hello");
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    assert.equal(await readFile(join(root, "a.txt"), "utf8"), "hello");
  });

  it("memory: keeps nothing, and says so; probes need no folder", async () => {
    const args = ["serve", ...ANY, "--admin", "127.0.0.1:0"];
    const server = await start("node", args, { HTTPFSTREAM_STORE: "memory:" });
    const [, url = ""] = await server.printed(/, serving a store in memory at (\S+)\//);
    const [, admin = ""] = await server.printed(/^probes and metrics at (\S+)\/$/m);
    await server.printed(/^What is appended is in memory only, and lost when the server ends\.$/m);
    await append(`${url}/a.txt`, "hello");
    const text = new Response(follow(`${url}/a.txt`) as ReadableStream<Uint8Array<ArrayBuffer>>).text();
    assert.equal(await text, "hello");
    const ready = await fetch(`${admin}/readyz`);
    assert.deepEqual([ready.status, await ready.text()], [200, "ok\n"]);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
  });

  const wrong: [string[], Record<string, string>, RegExp][] = [
    [["--store", "redis://h"], {}, /There is no store "redis:"\. --store must begin with file: .*memory:, nats:/],
    [["--store", "data"], {}, /For the folder data, use file:data/],
    [["--root", "never"], { HTTPFSTREAM_STORE: "memory:" }, /--root .* and --store .* name two stores/],
    [["--store", "memory:"], { HTTPFSTREAM_ROOT: "never" }, /--root \(or HTTPFSTREAM_ROOT\)/],
    [["--store", "memory:", "--durability", "disk"], {}, /--durability .* is for folders/],
    [["--store", "nats://n1"], {}, /--store-monitor.*--store-unsafe-sync/],
    [["--store", "nats://n1", "--replicas", "2"], {}, /--replicas .*'2' is invalid.*1, 3, 5/],
    [["--replicas", "3"], {}, /--replicas is for a store on NATS/],
    [[], { HTTPFSTREAM_STORE_PREFIX: "x" }, /--store-prefix is for a store on NATS/],
    [["--store", "nats://n1", "--store-monitor", "n1:8222"], {}, /--store-monitor .* is invalid.*http:\/\/n1:8222/],
    [["--store", "nats://me:s3cret@n1"], {}, /command lines.*HTTPFSTREAM_STORE/],
    [["--store-unsafe-sync"], { HTTPFSTREAM_STORE: "nats://me:s3cret@" }, /./],
    [["--store-unsafe-sync"], { HTTPFSTREAM_STORE: "me:s3cret@n1:4222" }, /There is no store "me:"/],
    [["--store-unsafe-sync", "--store-prefix", "A"], { HTTPFSTREAM_STORE: "nats://me:s3cret@n1" }, /"prefix" must be/],
  ];
  for (const [args, env, pattern] of wrong) {
    it(`${args.join(" ")} ${Object.keys(env)} is a usage error in one line, without a password`, async () => {
      const server = await start("node", ["serve", ...args, ...ANY], env);
      assert.deepEqual(await server.end(), { code: 2, signal: null }, server.output);
      assert.match(String(server.stderr.bytes()), pattern);
      assert.match(String(server.stderr.bytes()), /^[^\n]+\n$/);
      assert.doesNotMatch(server.output, /s3cret/);
      assert.ok(!existsSync("never"), "no folder is made");
    });
  }

  it("names the option and the file that can't be read", async () => {
    const nats = ["--store", "nats://127.0.0.1:1", "--store-unsafe-sync"];
    const server = await start("node", ["serve", ...nats, "--store-creds", join(folder, "none"), ...ANY]);
    assert.equal((await server.end()).code, 1);
    assert.match(server.output, /--store-creds \S+none can't be read: no such file\./);
  });

  it("waits for NATS servers before it listens, until it is stopped; probes say that it starts", async () => {
    const nats = ["--store", "nats://127.0.0.1:1", "--store-unsafe-sync", "--admin", "127.0.0.1:0"];
    const server = await start("node", ["serve", ...nats, ...ANY]);
    await server.printed(/^connecting to nats:\/\/127\.0\.0\.1:1$/m);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    assert.doesNotMatch(server.output, /serving/);
  });
});
