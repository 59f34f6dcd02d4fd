/** `httpfstream copy` between folders. test/cluster/copy.test.ts has those with NATS. */
import assert from "node:assert/strict";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { append, openAppend } from "../../src/client/mod.ts";
import { request } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startStandalone } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { start } from "./commands.ts";

let folder: string;
before(async () => {
  folder = await temporaryFolder("copy-cli");
});
after(() => removeFolder(folder));

async function run(runtime: (typeof RUNTIMES)[number], args: readonly string[], env?: Record<string, string>) {
  const copy = await start(runtime, ["copy", ...args], env);
  const { code } = await copy.end();
  return { code, said: String(copy.stderr.bytes()), stdout: String(copy.stdout.bytes()) };
}

for (const runtime of RUNTIMES) {
  describe(`copy, on ${runtime}`, { timeout: 120_000 }, () => {
    it("copies a folder with its records, continues, and compares", async () => {
      const [from, to] = [join(folder, `${runtime}-from`), join(folder, `${runtime}-to`)];
      const server = await startStandalone("node", { root: from });
      await append(`${server.url}/build/1.log`, "one\n");
      const headers = { "Content-Type": "application/json", "Stream-TTL": "3600", "Stream-Closed": "true" };
      const made = await request(server.url, { method: "PUT", target: "/events", headers, body: '[{"a":1}]' });
      assert.equal(made.status, 201);
      await server.stop();
      await writeFile(join(from, "by hand.txt"), "by hand");

      const first = await run(runtime, [`file:${from}`, `file:${to}`, "-v"]);
      assert.equal(first.code, 0, first.said);
      assert.equal(first.stdout, "");
      assert.match(first.said, /^copied: \/build\/1\.log$/m);
      assert.match(first.said, /^3 copied \(\d+ B\), 0 already there$/m);
      assert.equal(await readFile(join(to, "by hand.txt"), "utf8"), "by hand");

      const other = await startStandalone("node", { root: to });
      const stat = await request(other.url, { method: "HEAD", target: "/events" });
      assert.deepEqual(
        ["Content-Type", "Stream-TTL", "Stream-Closed"].map((name) => stat.headers.get(name)),
        ["application/json", "3600", "true"],
      );
      const log = await request(other.url, { method: "HEAD", target: "/build/1.log" });
      assert.equal(log.headers.get("Stream-Ended"), "complete");
      await other.stop();

      await writeFile(join(from, "by hand.txt"), "by hand, more");
      const check = await run(runtime, ["--check", `file:${from}`, `file:${to}`]);
      assert.equal(check.code, 1);
      assert.match(check.said, /^httpfstream copy: \/by hand\.txt: the destination lacks its last 6 bytes\.$/m);
      const again = await run(runtime, [`file:${from}`, `file:${to}`]);
      assert.deepEqual([again.code, again.said], [0, "1 copied (6 B), 2 already there\n"]);
    });
  });
}

describe("copy", { timeout: 120_000 }, () => {
  it("refuses a path that is being appended to, and copies what is stored of it with --live", async (test) => {
    const server = await startStandalone("node");
    test.after(() => server.stop());
    const to = `file:${join(folder, "live")}`;
    const writer = (await openAppend(`${server.url}/open.log`)).getWriter();
    await writer.write("some");
    await writer.ready;
    const refused = await run("node", [`file:${server.root}`, to]);
    assert.equal(refused.code, 1);
    assert.match(refused.said, /^httpfstream copy: \/open\.log: it is being appended to\. .*--live/m);
    const live = await run("node", ["--live", `file:${server.root}`, to]);
    assert.equal(live.code, 0, live.said);
    assert.match(live.said, /1 still being appended to$/m);
    await writer.write(" more");
    await writer.close();
    const last = await run("node", [`file:${server.root}`, to, "/open.log"]);
    assert.equal(last.code, 0, last.said);
    assert.equal(await readFile(join(folder, "live", "open.log"), "utf8"), "some more");
  });

  it("takes the URL of a store from a variable", async () => {
    await mkdir(join(folder, "in-variable"));
    const env = { FROM: `file:${join(folder, "in-variable")}` };
    const done = await run("node", ["env:FROM", `file:${join(folder, "from-variable")}`], env);
    assert.deepEqual([done.code, done.said], [0, "0 copied (0 B), 0 already there\n"]);
  });

  const wrong: [string[], number, RegExp][] = [
    [["file:a"], 2, /missing required argument 'to'/],
    [["a", "file:b"], 2, /The source must begin with file: .*For the folder a, use file:a/],
    [["file:a", "redis:b"], 2, /There is no store "redis:"\. The destination must begin with/],
    [["memory:", "file:b"], 2, /A store in memory ends with its server/],
    [["file:test", "file:test/inside"], 2, /are the same folder, or one is in the other one/],
    [["file:test", "file:./test"], 2, /are the same folder/],
    [["file:a", "nats://n1"], 2, /--store-monitor.*--store-unsafe-sync/],
    [["file:a", "nats://me:s3cret@n1"], 2, /The destination can't have a user or a password/],
    [["nats://n1", "nats://n1", "--store-unsafe-sync"], 2, /are the same store/],
    [["--replicas", "3", "file:a", "file:b"], 2, /--replicas is for a store on NATS/],
    [["--jobs", "0", "file:a", "file:b"], 2, /--jobs .*from 1 to 256/],
    [["file:a", "file:b", "../c"], 2, /"\.\.\/c" is no path/],
    [["env:NOT_SET", "file:b"], 2, /in the variable NOT_SET, which is not set/],
    [["file:none", "file:b"], 1, /The folder \S+none does not exist\./],
  ];
  for (const [args, code, pattern] of wrong) {
    it(`${args.join(" ")} fails in one line`, async () => {
      const { code: found, said } = await run("node", args);
      assert.equal(found, code, said);
      assert.match(said, pattern);
      assert.match(said, /^[^\n]+\n$/);
      assert.doesNotMatch(said, /s3cret/);
    });
  }

  it("notices that two names lead to the same folder", async () => {
    await mkdir(join(folder, "real"));
    await symlink("real", join(folder, "link"));
    const { code, said } = await run("node", [`file:${join(folder, "real")}`, `file:${join(folder, "link")}`]);
    assert.equal(code, 2, said);
  });
});
