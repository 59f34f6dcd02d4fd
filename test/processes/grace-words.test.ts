/** Refusals of an append while a path is reserved for an appender that lost its connection, on each of two servers. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { command } from "../cli/commands.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { V1Peer } from "../fixture/v1.ts";

describe("a path in its grace period", () => {
  let root: string;
  let servers: TestServer[];

  before(async () => {
    root = await temporaryFolder("grace-words");
    servers = [await startStandalone("node", { root }), await startStandalone("bun", { root })];
  });
  after(async () => {
    for (const server of servers) await server.stop();
    await removeFolder(root);
  });

  it("is refused with the reason and a Retry-After, by its own server and by another one", async () => {
    const [here, there] = servers as [TestServer, TestServer];
    const peer = await V1Peer.open(here.url, { target: "/kept.log?verb=APPEND" });
    await peer.control("start");
    for (const { url } of servers) {
      const response = await fetch(`${url}/kept.log?verb=APPEND`, { method: "PUT", body: "x" });
      assert.equal(response.status, 403);
      assert.doesNotMatch(await response.text(), /lost its connection/);
    }
    peer.peer.connection.drop();
    for (const { url } of [here, there]) {
      const said = await until("the server to see that the appender has gone", async () => {
        const response = await fetch(`${url}/kept.log?verb=APPEND`, { method: "PUT", body: "x" });
        assert.equal(response.status, 403);
        const text = await response.text();
        return /lost its connection/.test(text) && { text, after: Number(response.headers.get("Retry-After")) };
      });
      assert.match(
        said.text,
        /^The appender of "\/kept\.log" has lost its connection\. The path stays reserved for it for up to \d+ more second/,
      );
      assert.ok(said.after > 1 && said.after <= 30, String(said.after));
      const refused = await command(["append", `${url}/kept.log`]);
      assert.equal(refused.exit.code, 1);
      assert.match(
        refused.output,
        /^httpfstream append: conflict: The appender of "\/kept\.log" has lost its connection/,
      );
    }
  });
});
