/** What a gate answers by itself reaches the client, with the headers of the server, and no mistake in it ends the process. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { RUNTIMES } from "../fixture/processes.ts";
import { startScript, type TestServer } from "../fixture/servers.ts";

/** A read, a follow, and uploads of both kinds. */
const REQUESTS: [string, RequestInit][] = [
  ["/a.txt?", {}],
  ["/a.txt?verb=FOLLOW&stay=1&", {}],
  ["/a.txt?verb=APPEND&", { method: "POST", body: "x" }],
  ["/a.txt?", { method: "PUT", body: "x" }],
];

for (const runtime of RUNTIMES) {
  for (const mode of ["own", "serve"]) {
    const where = mode === "own" ? `${runtime}'s own server` : `serve() on ${runtime}`;
    describe(`a gate that answers by itself, ${where}`, { timeout: 60_000 }, () => {
      let server: TestServer;

      before(async () => {
        server = await startScript(runtime, "answering-gate.ts", { args: [mode] });
      });
      after(async () => await server.stop());

      const send = async (gate: string, [target, init]: [string, RequestInit]): Promise<Response> =>
        await fetch(`${server.url}${target}gate=${gate}`, init);

      it("has its response sent with the headers of the server", async () => {
        for (const [target, init] of REQUESTS) {
          const response = await send("fresh", [`${target}access_token=x&`, init]);
          const { headers } = response;
          const what = `${init.method ?? "GET"} ${target}`;
          assert.deepEqual([response.status, await response.text()], [401, "Sign in first."], what);
          assert.equal(headers.get("X-Own"), "yes", what);
          assert.match(headers.get("X-Request-Id") ?? "none", /^[\w-]{36}$/, what);
          assert.equal(headers.get("Cross-Origin-Resource-Policy"), "same-origin", what);
          assert.equal(headers.get("Referrer-Policy"), "no-referrer", what);
        }
      });

      it("can have a response sent only once", async () => {
        const all = [...REQUESTS, ...REQUESTS];
        const answers = await Promise.all(all.map(async (request) => await send("shared", request)));
        const statuses = answers.map(({ status }) => status).sort();
        assert.deepEqual(statuses, [401, ...all.slice(1).map(() => 500)]);
        for (const response of answers) {
          const { status, headers } = response;
          const text = status === 401 ? "Sign in first." : "The server failed. Its log says why.\n";
          assert.equal(await response.text(), text);
          assert.match(headers.get("X-Request-Id") ?? "none", /^[\w-]{36}$/);
        }
        await server.program.printed(/Return a new Response each time/);
        assert.equal((await fetch(`${server.url}/a.txt`)).status, 404, "the server goes on");
      });
    });
  }
}
