/** User callbacks may throw and reject: this ends neither appends nor processes, and changes no response. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { HttpExchange, request } from "../fixture/http.ts";
import { executable, Program, RUNTIMES, type Runtime, run, scriptArguments } from "../fixture/processes.ts";
import { startStandalone } from "../fixture/servers.ts";
import { V1Peer } from "../fixture/v1.ts";

interface Logged {
  readonly url: string;
  readonly program: Program;
}

async function start(runtime: Runtime, stack: string): Promise<Logged> {
  const script = join("test", "fixture", "logged-server.ts");
  const program = new Program(await executable(runtime), [...scriptArguments(runtime, script), stack]);
  const [url] = await program.printed(/http:\/\/[\w.:]+/);
  return { url, program };
}

for (const runtime of RUNTIMES) {
  for (const stack of ["native", "node"]) {
    describe(`a log on ${runtime}, ${stack} server`, { timeout: 60_000 }, () => {
      let url: string;
      let program: Program;
      before(async () => {
        ({ url, program } = await start(runtime, stack));
      });
      after(() => program?.stop("SIGKILL"));

      for (const [mount, words] of [
        ["/throws", /^httpfstream: the function "log" failed and was ignored: the log is full\\nof itself at .*$/gm],
        ["/rejects", /^httpfstream: the function "log" failed and was ignored: the log is far away at .*$/gm],
      ] as const) {
        it(`that ${mount.slice(1)} changes no answer, and is reported once`, async () => {
          const target = `${mount}/a.txt`;
          const appended = await request(url, { method: "POST", target: `${target}?verb=APPEND`, body: "one " });
          assert.deepEqual([appended.status, appended.headers.get("stream-next-offset")], [200, "0000000000000004"]);
          const appender = await V1Peer.open(url, { target: `${target}?verb=APPEND` });
          const [follower, reader] = [
            await V1Peer.open(url, { target: `${target}?verb=FOLLOW` }),
            await HttpExchange.start(url, { target: `${target}?verb=FOLLOW` }),
          ];
          assert.equal((await reader.head).status, 200);
          await appender.send("two");
          assert.equal(await appender.finish(), 7);
          assert.equal((await follower.closed()).code, 1000);
          assert.equal(String(follower.data), "one two");
          assert.equal((await reader.response()).text, "one two");
          assert.equal((await request(url, { target: `${mount}/b.txt` })).status, 404);
          assert.equal((await request(url, { target: `${mount}/b%2fc` })).status, 400);
          assert.equal(program.output.match(words)?.length, 1, program.output);
        });
      }

      it("that is missing leaves failures with their cause to the console, and nothing else", async () => {
        const before = program.stderr.bytes().length;
        const quiet = "/quiet";
        const body = "x".repeat(300_000);
        const ok = await request(url, { method: "POST", target: `${quiet}/ok.txt?verb=APPEND`, body: "fine" });
        assert.equal(ok.status, 200);
        assert.equal((await request(url, { target: `${quiet}/none.txt` })).status, 404);
        const full = await request(url, { method: "POST", target: `${quiet}/full%0aforged?verb=APPEND`, body });
        assert.equal(full.status, 507);
        const wait = /^httpfstream: "\/full\\nforged" can't be written to\. \(EIO: i\/o error\)$/m;
        await program.printed(wait);
        const said = String(program.stderr.bytes().subarray(before));
        assert.equal(said.trimEnd().split("\n").length, 1, said);
      });

      it("gets a failure in the middle of a read or a follow, and of an append, once, with the cause", async () => {
        const body = "x".repeat(300_000);
        await request(url, { method: "POST", target: "/logs/broken-1?verb=APPEND", body });
        const eio = (path: string, code: string): RegExp =>
          new RegExp(
            `^\\{"type":"error","path":"${path}".*"code":"${code}".*"cause":"Error: EIO: i/o error"\\}$`,
            "gm",
          );
        const cases: [string, () => Promise<unknown>, string][] = [
          ["broken-1", () => drained("/logs/broken-1"), "storage"],
          ["broken-2", () => drained("/logs/broken-2?verb=FOLLOW"), "storage"],
          ["broken-3", () => followed("/logs/broken-3", (target) => drained(target)), "storage"],
          ["broken-4", () => followed("/logs/broken-4", closedSocket), "storage"],
          ["full-1", () => request(url, { method: "POST", target: "/logs/full-1?verb=APPEND", body: "x" }), "no_space"],
          ["full-2", () => failedAppend("/logs/full-2"), "no_space"],
        ];
        await request(url, { method: "POST", target: "/logs/broken-2?verb=APPEND", body });
        for (const [path, act, code] of cases) {
          await act();
          await program.printed(eio(path, code));
          assert.equal(program.output.match(eio(path, code))?.length, 1, program.output);
        }
      });

      it("leaves nothing behind", async () => {
        assert.deepEqual(await program.stop(), { code: 0, signal: null }, program.output);
        assert.match(program.output, /"type":"shutdown","phase":"begin","reason":"close\(\)"/);
        assert.match(program.output, /"type":"shutdown","phase":"end","reason":"close\(\)"/);
      });

      /** Reads a response to its end, complete or not. */
      async function drained(target: string): Promise<void> {
        const exchange = await HttpExchange.start(url, { target });
        assert.equal((await exchange.head).status, 200);
        await exchange.body.all().catch(() => {});
      }

      /** Calls `follow` for a path that has an appender and stored bytes. */
      async function followed(path: string, follow: (target: string) => Promise<unknown>): Promise<void> {
        const appender = await V1Peer.open(url, { target: `${path}?verb=APPEND` });
        await appender.send("x".repeat(300_000));
        await appender.acked(300_000);
        await follow(`${path}?verb=FOLLOW`);
        await appender.finish();
      }

      async function closedSocket(target: string): Promise<void> {
        assert.equal((await (await V1Peer.open(url, { target })).closed()).code, 1011);
      }

      async function failedAppend(target: string): Promise<void> {
        const appender = await V1Peer.open(url, { target: `${target}?verb=APPEND` });
        await appender.send("x");
        assert.equal((await appender.closed()).code, 1011);
      }
    });
  }

  it(`callbacks of a client on ${runtime} may throw and reject`, { timeout: 60_000 }, async (test) => {
    const server = await startStandalone("node");
    test.after(() => server.stop());
    const script = join("test", "fixture", "bad-callbacks.ts");
    const program = await run(await executable(runtime), [...scriptArguments(runtime, script), `${server.url}/a`]);
    assert.deepEqual(program.exit, { code: 0, signal: null }, program.output);
    const lines = ["appended 4 7", ...Array(4).fill("followed one two 7"), "done"];
    assert.equal(String(program.stdout.bytes()), `${lines.join("\n")}\n`);
    for (const name of ["onState", "onAcked"]) {
      for (const what of ["threw", "rejected"]) {
        const said = `the function "${name}" failed and was ignored: a callback ${what}`;
        assert.equal(program.output.split(said).length, 2, program.output);
      }
    }
  });
}
