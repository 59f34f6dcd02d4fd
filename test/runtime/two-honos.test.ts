/** An app that is made with another copy of hono: in CommonJS, hono comes as a module of its own. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import { Hono } from "hono";
import { fstream, memoryStore } from "../../mod.ts";

const other = createRequire(import.meta.url)("hono") as typeof import("hono");

describe("an app of another copy of hono", () => {
  it("is one", () => assert.notEqual(other.Hono, Hono));

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

  it("is refused a mount with a parameter, as any", async () => {
    const app = new other.Hono().route(
      "/u/:user",
      fstream({ store: memoryStore(), log: () => {} }) as unknown as InstanceType<typeof other.Hono>,
    );
    const answer = await app.request("http://localhost/u/ada/a.txt");
    assert.equal(answer.status, 500);
    assert.match(await answer.text(), /mounted at "\/u\/:user"/);
  });

  it("hears why where that copy does not tell its routes", async () => {
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
