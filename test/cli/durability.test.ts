/** `--durability` and `HTTPFSTREAM_DURABILITY`: whether bytes are flushed to the disk before they are acknowledged. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { request } from "../fixture/http.ts";
import { executable, run, scriptArguments } from "../fixture/processes.ts";
import { type ServerOptions, startStandalone } from "../fixture/servers.ts";

/** Loaded before the server: prints one line per flush of a file to the disk. */
const SPY = `import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
const spy = (object, name) => {
  const flush = object[name];
  object[name] = function (...args) { console.log("flushed"); return flush.apply(this, args); };
};
const file = await fs.promises.open("/dev/null");
for (const name of ["sync", "datasync"]) spy(Object.getPrototypeOf(file), name);
for (const name of ["fsync", "fdatasync", "fsyncSync", "fdatasyncSync"]) spy(fs, name);
syncBuiltinESMExports();
await file.close();`;
const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(SPY)}`;

/** The output of a server with these settings while five bytes are appended. */
async function outputOf({ args = [], env = {} }: ServerOptions): Promise<string> {
  const server = await startStandalone("node", { args, env: { ...env, NODE_OPTIONS } });
  const answer = await request(server.url, { method: "PUT", target: "/a.txt?verb=APPEND", body: "hello" });
  await server.stop();
  assert.equal(answer.status, 200);
  return server.program.output;
}

describe("--durability", () => {
  it("is os by default: nothing is flushed", async () => {
    assert.doesNotMatch(await outputOf({}), /flushed/);
  });

  it("disk flushes what is appended", async () => {
    assert.match(await outputOf({ args: ["--durability", "disk"] }), /flushed/);
  });

  it("is taken from HTTPFSTREAM_DURABILITY too", async () => {
    assert.match(await outputOf({ env: { HTTPFSTREAM_DURABILITY: "disk" } }), /flushed/);
  });

  it("refuses other levels as a usage error, and names the two", async () => {
    const { exit, stderr } = await run(await executable("node"), [
      ...scriptArguments("node", "mod.ts"),
      ...["serve", "--durability", "tape"],
    ]);
    assert.equal(exit.code, 2);
    assert.match(stderr.bytes().toString(), /'tape' is invalid.*os, disk/);
  });
});
