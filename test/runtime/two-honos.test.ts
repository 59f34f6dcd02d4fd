/** An app that uses another copy of hono: CommonJS loads hono as a separate module. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import { Hono } from "hono";
import { fstream, memoryStore } from "../../mod.ts";

const other = createRequire(import.meta.url)("hono") as typeof import("hono");

describe("an app of another copy of hono", () => {
  it("does not use our copy", () => assert.notEqual(other.Hono, Hono));

  for (const mount of ["/streams", "/deep/er", "/"]) {
    it(`mounts streams at ${mount}`, async () => {
      const app = new other.Hono().route(
        mount,
        fstream({ store: memoryStore() }) as unknown as InstanceType<typeof other.Hono>,
      );
      const url = `http://localhost${mount.replace(/\/$/, "")}/a.txt`;
      const post = await app.request(`${url}?verb=APPEND`, { method: "POST", body: "hello" });
      assert.deepEqual([post.status, await post.text()], [200, ""]);
      assert.equal(await (await app.request(url)).text(), "hello");
    });
  }

  it("can't have a mount with a parameter, like any app", async () => {
    const app = new other.Hono().route(
      "/u/:user",
      fstream({ store: memoryStore(), log: () => {} }) as unknown as InstanceType<typeof other.Hono>,
    );
    const answer = await app.request("http://localhost/u/ada/a.txt");
    assert.equal(answer.status, 500);
    assert.match(await answer.text(), /mounted at "\/u\/:user"/);
  });

  it("gets an explanation if that copy does not tell its routes", async () => {
    const app = new other.Hono();
    app.use(async (c, next) => {
      Object.defineProperty(c.req, "routePath", { value: undefined });
      await next();
    });
    app.route(
      "/streams",
      fstream({ store: memoryStore(), log: () => {} }) as unknown as InstanceType<typeof other.Hono>,
    );
    const answer = await app.request("http://localhost/streams/a.txt");
    assert.equal(answer.status, 500);
    assert.match(await answer.text(), /another copy of hono/);
  });
});
