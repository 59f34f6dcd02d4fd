/** The commands ls, stat and rm, against real servers and servers that are none. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { append, openAppend } from "../../src/client/mod.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { command } from "./commands.ts";

const NASTY = "\u001b[31mred\u202e.txt";

it("rm says which option of the server allows it", async () => {
  const server = await startStandalone("node");
  await append(`${server.url}/kept.txt`, "x");
  const { exit, stderr } = await command(["rm", `${server.url}/kept.txt`]);
  assert.equal(exit.code, 1);
  assert.match(String(stderr.bytes()), /"\/kept\.txt".*--deletes all/);
  await expectCleanStop(server);
});

for (const runtime of RUNTIMES) {
  describe(`ls, stat and rm, on ${runtime}`, () => {
    let server: TestServer;

    before(async () => {
      server = await startStandalone(runtime, { args: ["--deletes", "all"] });
      await append(`${server.url}/build/1.log`, "0123456789");
      await append(`${server.url}/build/sub/2.log`, "x");
      await append(`${server.url}/build/${encodeURIComponent(NASTY)}`, "x");
    });
    after(() => expectCleanStop(server));

    async function run(...args: string[]): Promise<[number | null, string, string]> {
      const { exit, stdout, stderr } = await command(args, { runtime });
      return [exit.code, String(stdout.bytes()), String(stderr.bytes())];
    }

    it("ls prints sizes, times and names, which can't control a terminal", async () => {
      const writer = (await openAppend(`${server.url}/build/live.log`)).getWriter();
      await writer.write("now");
      const [code, out, err] = await run("ls", `${server.url}/build`);
      assert.deepEqual([code, err], [0, ""]);
      const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;
      assert.match(out, new RegExp(`^ +10  ${time}  1\\.log$`, "m"));
      assert.match(out, new RegExp(`^ +-  ${time}  sub/$`, "m"));
      assert.match(out, new RegExp(`^ +3  ${time}  live\\.log  \\(appending\\)$`, "m"));
      assert.ok(out.includes("\\e[31mred\\u202e.txt"), out);
      await writer.close();
    });

    it("ls says that a file is no folder", async () => {
      const [code, out, err] = await run("ls", `${server.url}/build/1.log`);
      assert.deepEqual([code, out], [1, ""]);
      assert.match(err, /"\/build\/1\.log" is a file, not a folder\./);
    });

    it("ls --json prints one object per line, which parses to the exact names", async () => {
      const [code, out, err] = await run("ls", "--json", `${server.url}/build/`);
      assert.deepEqual([code, err], [0, ""]);
      assert.ok(!out.includes("\u001b") && !out.includes("\u202e"));
      const rows = out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.ok(rows.some(({ name, kind }) => name === NASTY && kind === "file"));
      assert.deepEqual(
        rows.filter(({ name }) => name === "1.log").map(({ size, appending }) => [size, appending]),
        [[10, false]],
      );
    });

    // The rest does not depend on the runtime.
    if (runtime !== "bun") return;

    it("ls refuses a file, and a folder that does not exist, in one line", async () => {
      for (const path of ["build/1.log", "never"]) {
        const [code, out, err] = await run("ls", `${server.url}/${path}`);
        assert.deepEqual([code, out], [1, ""]);
        assert.match(err, /^httpfstream ls: not found: [^\n]+\n$/);
      }
    });

    it("stat tells a closed stream from an open one", async () => {
      const shown = async (): Promise<[string, unknown]> => {
        const [, out] = await run("stat", `${server.url}/closed.txt`);
        const [, json] = await run("stat", "--json", `${server.url}/closed.txt`);
        return [/^closed: .*$/m.exec(out)?.[0] ?? "", (JSON.parse(json) as Record<string, unknown>)["closed"]];
      };
      const headers = { "Content-Type": "text/plain" };
      await fetch(`${server.url}/closed.txt`, { method: "PUT", headers, body: "all" });
      assert.deepEqual(await shown(), ["", undefined]);
      await fetch(`${server.url}/closed.txt`, { method: "POST", headers: { "Stream-Closed": "true" } });
      assert.deepEqual(await shown(), ["closed:     yes", true]);
    });

    it("stat shows what is known, and how the append ended", async () => {
      const [code, out, err] = await run("stat", `${server.url}/build/1.log`);
      assert.deepEqual([code, err], [0, ""]);
      for (const line of [/^url: +http.*1\.log$/m, /^size: +10$/m, /^modified: +\d{4}-.*Z$/m, /^type: +text\/plain/m]) {
        assert.match(out, line);
      }
      assert.match(out, /^generation: \w+$/m);
      assert.match(out, /^appending: +no$/m);
      assert.match(out, /^ended: +complete$/m);
      const [, json] = await run("stat", "--json", `${server.url}/build/1.log`);
      const status = JSON.parse(json) as Record<string, unknown>;
      assert.deepEqual([status["size"], status["appending"], status["ended"]], [10, false, "complete"]);
      const [, folder] = await run("stat", "--json", `${server.url}/build`);
      assert.equal((JSON.parse(folder) as Record<string, unknown>)["kind"], "folder");
      const [missing, , said] = await run("stat", `${server.url}/never`);
      assert.equal(missing, 1);
      assert.match(said, /^httpfstream stat: not found: http.*\/never does not exist\.\n$/);
    });

    it("rm removes what is not appended to, and goes on after a failure", async () => {
      const urls = ["r1", "r2", "busy"].map((name) => `${server.url}/${name}`);
      for (const url of urls.slice(0, 2)) await append(url, "x");
      const writer = (await openAppend(`${server.url}/busy`)).getWriter();
      const [code, out, err] = await run("rm", "-v", `${server.url}/r1`, `${server.url}/never`, ...urls.slice(1));
      assert.deepEqual([code, out], [1, ""]);
      const lines = err.trimEnd().split("\n");
      assert.equal(lines.length, 4, err);
      assert.match(lines[0] ?? "", /^removed http.*\/r1$/);
      assert.match(lines[1] ?? "", /^httpfstream rm: http.*\/never: not found: /);
      assert.match(lines[2] ?? "", /^removed http.*\/r2$/);
      assert.match(lines[3] ?? "", /^httpfstream rm: http.*\/busy: in use: /);
      assert.equal((await fetch(`${server.url}/r1`)).status, 404);
      await writer.close();
      assert.deepEqual(await run("rm", `${server.url}/busy`), [0, "", ""]);
    });
  });
}

describe("ls, stat and rm", () => {
  it("ls fetches a large folder in parts, and trusts no server that repeats one", async () => {
    const server = createServer((request, response) => {
      const { searchParams: query } = new URL(request.url ?? "", "http://x");
      const after = Number(query.get("after") ?? 0);
      const limit = Number(query.get("limit"));
      const entries = Array.from({ length: Math.min(limit, 25_000 - after) }, (_, index) => ({
        ...{ name: String(after + index + 1), kind: "file", size: 1 },
        ...{ modified: "2026-01-02T03:04:05.000Z", appending: false },
      }));
      const last = request.url?.startsWith("/round") ? "same" : String(after + limit);
      const next = after + limit < 25_000 ? { next: last } : {};
      response.setHeader("Content-Type", "application/json");
      response.end(request.url?.startsWith("/other") ? "[]" : JSON.stringify({ path: "/", entries, ...next }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { exit, stdout } = await command(["ls", "--json", `${url}/many`]);
    assert.equal(exit.code, 0);
    const names = String(stdout.bytes())
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { name: string }).name);
    assert.deepEqual([names.length, names[0], names.at(-1)], [25_000, "1", "25000"]);
    const other = await command(["ls", `${url}/other`]);
    assert.equal(other.exit.code, 1);
    assert.match(other.output, /protocol: The answer is not the listing of a folder/);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("report a server that can't be reached, and a URL that is none", async () => {
    for (const name of ["ls", "stat", "rm"]) {
      const away = await command([name, "http://127.0.0.1:9/a"]);
      assert.equal(away.exit.code, 1);
      assert.match(away.output, new RegExp(`^httpfstream ${name}: unreachable: [^\\n]+\\n$`));
      const wrong = await command([name, "http://h/a?tail=1"]);
      assert.equal(wrong.exit.code, 2);
      assert.match(wrong.output, /"tail" in its query/);
      assert.equal((await command([name])).exit.code, 2);
    }
  });
});
