/** Tokens of the client, on every runtime, through a gate in front of a real server. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openIn } from "../../src/client/append/mod.ts";
import { followIn } from "../../src/client/follow/mod.ts";
import { ScriptedWorld } from "../client-reconnect/simulation/scripted.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { Gate } from "./gate.ts";
import { Redirector } from "./redirects.ts";
import { runScenarios } from "./run.ts";
import { TOKEN_SCENARIOS } from "./token-scenarios.ts";

for (const runtime of RUNTIMES) {
  describe(`a token of the client, on ${runtime}`, () => {
    let server: TestServer;
    let gate: Gate;
    let outcomes: Map<string, string | undefined>;

    before(async () => {
      server = await startStandalone("node");
      gate = await Gate.start(server.url);
      outcomes = await runScenarios(runtime, gate.url, "token");
    });
    after(async () => {
      await gate.stop();
      await expectCleanStop(server);
    });

    for (const name of Object.keys(TOKEN_SCENARIOS)) {
      it(name, () => {
        assert.ok(outcomes.has(name), "it did not come to its end");
        assert.equal(outcomes.get(name), undefined);
      });
    }

    it("is sent in a header only, also with an upgrade", () => {
      const own = gate.seen.filter(({ target }) => !target.includes("access_token"));
      assert.ok(own.some(({ upgrade, authorization }) => upgrade && authorization?.startsWith("Bearer token-")));
      for (const { target } of own) assert.doesNotMatch(target, /token-\d/);
    });
  });
}

/** A browser, whose WebSockets can't send headers. */
class Browser extends ScriptedWorld {
  override readonly takesHeaders = false;
}

describe("a token in a browser", () => {
  it("is a query parameter of a WebSocket, and no other request has it there", async () => {
    const world = new Browser();
    const opening = openIn(world, "http://host/a?x=1", { token: "s3cret" });
    const appending = await world.next();
    assert.equal(appending.request.url.search, "?x=1&verb=APPEND&access_token=s3cret");
    assert.deepEqual([...appending.request.headers], []);
    appending.refuse(401, { "Stream-Error": "unauthorized" });
    await assert.rejects(opening, (error: Error & { path?: string }) => {
      assert.doesNotMatch(`${error.message} ${error.path}`, /s3cret/);
      return true;
    });
    const reader = followIn(world, "http://host/a", { token: async () => "s3cret" }).getReader();
    const read = reader.read();
    const following = await world.next();
    assert.equal(following.request.url.searchParams.get("access_token"), "s3cret");
    following.accept().say({ type: "start", offset: 0 }).send("x");
    assert.equal((await read).value?.length, 1);
    await reader.cancel();
  });
});

describe("a token and a redirect", () => {
  it("to another origin: the token stays behind", async () => {
    const there = await Redirector.start(() => ({ status: 404 }));
    const here = await Redirector.start((target) => ({ status: 302, location: `${there.url}${target}` }));
    const { append, follow } = await import("../../src/client/mod.ts");
    for (const transport of ["websocket", "http"] as const) {
      await assert.rejects(follow(`${here.url}/a`, { token: "s3cret", transport }).getReader().read(), {
        code: "not_found",
      });
    }
    await assert.rejects(append(`${here.url}/a`, "x", { token: "s3cret" }));
    assert.ok(here.asked.every(({ headers }) => headers.authorization === "Bearer s3cret"));
    assert.ok(there.asked.length >= 3);
    for (const { target, headers } of there.asked)
      assert.doesNotMatch(`${target} ${JSON.stringify(headers)}`, /s3cret/);
    await here.stop();
    await there.stop();
  });
});
