/** The option `scope`: which folder a request sees. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { type FstreamOptions, fstream, type LogEvent, memoryStore, type Store } from "../../mod.ts";
import { RESERVED_SEGMENT } from "../../src/protocol/path.ts";

const byUser = (c: Context): string | undefined => c.req.param("user");

interface Host {
  readonly app: Hono;
  readonly store: Store;
  readonly events: LogEvent[];
  put(url: string): Promise<Response>;
}

function host(mount: string, options: FstreamOptions): Host {
  const store = options.store ?? memoryStore();
  const events: LogEvent[] = [];
  const app = new Hono().route(mount, fstream({ log: (event) => events.push(event), ...options, store }));
  const put = async (url: string): Promise<Response> => app.request(`${url}?verb=APPEND`, { method: "PUT", body: url });
  return { app, store, events, put };
}

async function namesIn(store: Store): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of (await store.list("")) ?? []) names.push(name);
  return names;
}

describe("scope", () => {
  it("gives each user of a mount with a parameter a folder", async () => {
    const { app, store, put } = host("/u/:user", { scope: byUser });
    for (const user of ["ada", "bob", "J%C3%BCrgen%20X", "a%3Ab", "%252e%252e"]) {
      assert.equal((await put(`/u/${user}/x/a.txt`)).status, 200, user);
      assert.equal(await (await app.request(`/u/${user}/x/a.txt`)).text(), `/u/${user}/x/a.txt`);
    }
    for (const folder of ["ada", "bob", "Jürgen X", "a:b", "%2e%2e"]) assert.ok(await store.stat(`${folder}/x/a.txt`));
    assert.equal((await app.request("/u/eve/x/a.txt")).status, 404);
  });

  it("takes nested folders, one leading slash, the whole root, and the user of a middleware", async () => {
    for (const [returned, path] of [
      ["tenants/acme", "tenants/acme/a.txt"],
      ["/tenants/acme", "tenants/acme/a.txt"],
      ["/", "a.txt"],
    ] as const) {
      const { app, store, put } = host("/streams", { scope: () => returned });
      assert.equal((await put("/streams/a.txt")).status, 200);
      assert.ok(await store.stat(path));
      assert.equal(await (await app.request("/streams/a.txt")).text(), "/streams/a.txt");
    }
    const store = memoryStore();
    const app = new Hono<{ Variables: { user: string } }>()
      .use(async (c, next) => {
        c.set("user", c.req.header("User") ?? "");
        await next();
      })
      .route("/", fstream({ store, scope: (c) => c.get("user") }));
    const request = { method: "PUT", body: "x", headers: { User: "ada" } };
    assert.equal((await app.request("/a.txt?verb=APPEND", request)).status, 200);
    assert.ok(await store.stat("ada/a.txt"));
  });

  for (const mount of ["/:tenant/u/:user", "/u-x/:user-id/y", "/u/:user{[a-z]+}", "/u/:user{[\\w.-]{2,}|\\d+}/x"]) {
    it(`can be mounted at ${mount}`, async () => {
      const { app, store, put } = host(mount, { scope: (c) => `all/${Object.values(c.req.param()).join("/")}` });
      const url = mount.replace(/:[\w-]+(\{.*\})?/g, "ada");
      assert.equal((await put(`${url}/b/c.txt`)).status, 200);
      assert.equal(await (await app.request(`${url}/b/c.txt`)).text(), `${url}/b/c.txt`);
      assert.ok(await store.stat(`all/ada${mount.startsWith("/:") ? "/ada" : ""}/b/c.txt`));
    });
  }

  for (const [mount, url] of Object.entries({
    "/u/*/x": "/u/ada/x/a.txt",
    "/:user?": "/ada/a.txt",
    "/u-:user": "/u-ada/a.txt",
    "/u/:user{.+}": "/u/ada/a.txt",
    "/u/:user{[a-z/]+}": "/u/ada/a.txt",
    "/u/:user{[^x]+}": "/u/ada/a.txt",
    "/u/:user{[--9a-z]+}": "/u/ada/a.txt",
    "/u/:user{\\S+}": "/u/ada/a.txt",
  })) {
    it(`explains at the first request that it can't be mounted at ${mount}`, async () => {
      const { put, store } = host(mount, { scope: () => "fixed" });
      const answer = await put(url);
      assert.equal(answer.status, 500);
      assert.match(await answer.text(), /mounted at ".*", which has a wildcard, or a parameter .*"scope"/);
      assert.deepEqual(await namesIn(store), []);
    });
  }

  it("is named by the error of a mount with a parameter and without it", async () => {
    const { put } = host("/u/:user", {});
    assert.match(await (await put("/u/ada/a.txt")).text(), /the option "scope"/);
  });

  it("refuses a parameter that could lead elsewhere, and asks no scope", async () => {
    let asked = 0;
    const scope = (c: Context): string | undefined => {
      asked++;
      return byUser(c);
    };
    const { app, put, store } = host("/u/:user", { scope });
    for (const user of ["a%2Fb", "%2Fada", "a%5Cb", "a%00b", "a%2zb", ".httpfstream", ".HTTPfstream"]) {
      assert.equal((await put(`/u/${user}/a.txt`)).status, 400, user);
      assert.equal((await app.request(`/u/${user}/a.txt`)).status, 400, user);
    }
    const long = "x".repeat(256);
    assert.equal((await put(`/u/${long}/a.txt`)).status, 400);
    assert.equal(asked, 0);
    assert.deepEqual(await namesIn(store), []);
  });

  it("refuses a folder that leads out of the root or into the reserved one", async () => {
    for (const folder of [
      ...[".httpfstream", ".HTTPFSTREAM/x", "/.httpfstream", "..", "a/..", "a/../b", "a/./b", "//a", "a//b", "a/"],
      ...["a\\b", "a\0b", "x".repeat(256), "u\ud800", "u\udfff"],
    ]) {
      const { app, put, store } = host("/streams", { scope: () => folder });
      for (const answer of [
        await put("/streams/a.txt"),
        await app.request("/streams/"),
        await app.request("/streams"),
      ]) {
        assert.equal(answer.status, 400, folder);
        assert.match(await answer.text(), /"\/streams.* is refused: .* the option "scope"/);
      }
      assert.deepEqual(await namesIn(store), []);
    }
  });

  it("answers 500, logs why, and serves nothing if no folder is returned", async () => {
    for (const [returned, what] of [
      [undefined, /returned undefined for "\/streams\/a.txt"/],
      [null, /returned null/],
      ["", /returned an empty string/],
      [7, /returned number/],
      [["ada"], /returned object/],
      [Promise.resolve("ada"), /returned a promise .* can't be async/],
      [Promise.reject(new Error("no such user")), /returned a promise/],
    ] as const) {
      const { put, store, events } = host("/streams", { scope: () => returned as string });
      const answer = await put("/streams/a.txt");
      assert.deepEqual([answer.status, await answer.text()], [500, "The server failed. Its log says why.\n"]);
      const failures = events.filter(({ type }) => type === "error");
      assert.match(String((failures[0] as { message?: string }).message), what);
      assert.deepEqual(await namesIn(store), []);
    }
    assert.throws(() => fstream({ store: memoryStore(), scope: "ada" as never }), /"scope" .* function, not string/);
  });

  it("leaves an HTTPException to the app around, and answers 500 for other errors", async () => {
    const thrown: Error[] = [new HTTPException(401, { message: "who are you?" }), new Error("a secret")];
    for (const [at, error] of thrown.entries()) {
      const scope = (): never => {
        throw error;
      };
      const { put, events } = host("/streams", { scope });
      const answer = await put("/streams/a.txt");
      const text = await answer.text();
      const failures = events.filter(({ type }) => type === "error").length;
      assert.deepEqual([answer.status, failures], at === 0 ? [401, 0] : [500, 1]);
      assert.equal(text, at === 0 ? "who are you?" : "The server failed. Its log says why.\n");
    }
  });

  it("shows clients their own paths, and the operator the whole ones", async () => {
    const store = memoryStore();
    const folder = 'tenants/Ann "A"';
    const { app, put, events } = host("/u/:user", { store, scope: (c) => `tenants/${c.req.param("user")}` });
    const url = "/u/Ann%20%22A%22";
    assert.equal((await put(`${url}/dir/a.txt`)).status, 200);
    assert.ok(await store.stat(`${folder}/dir/a.txt`));
    for (const [path, status, message] of [
      ["/none.txt", 404, `"${url}/none.txt" does not exist.\n`],
      ["/dir/a.txt/b", 409, `"${url}/dir/a.txt" is a file, so "${url}/dir/a.txt/b" cannot be below it.\n`],
      ["/dir/a.txt/", 404, `"${url}/dir/a.txt" is a file, not a folder. Its URL has no slash at the end.\n`],
      ["/dir?verb=FOLLOW", 409, `"${url}/dir" is a folder: there is nothing to follow.\n`],
      ["?verb=APPEND", 400, `"${url}/" names a folder, which can't be appended to. Add a file name.\n`],
    ] as const) {
      const answer = await app.request(url + path);
      assert.deepEqual([path, answer.status, await answer.text()], [path, status, message]);
    }
    const refused = events.filter((event) => event.type === "refusal").map(({ path }) => path);
    assert.ok(
      refused.every((path) => path?.startsWith(folder)),
      String(refused),
    );
    assert.deepEqual(
      events.flatMap((event) => (event.type === "append" ? [event.path] : [])),
      [`${folder}/dir/a.txt`, `${folder}/dir/a.txt`],
    );
  });

  it("shows a file in place of the folder, or above it, as the folder", async () => {
    const { app, store } = host("/u/:user", { scope: (c) => `tenants/${c.req.param("user")}` });
    await (await store.claim("tenants")).release();
    const above = await app.request("/u/ada/a.txt");
    assert.deepEqual(
      [above.status, await above.text()],
      [409, '"/u/ada/" is a file, so "/u/ada/a.txt" cannot be below it.\n'],
    );
    const other = host("/u/:user", { scope: byUser });
    await (await other.store.claim("ada")).release();
    for (const url of ["/u/ada", "/u/ada/"]) {
      const answer = await other.app.request(url);
      assert.deepEqual([answer.status, await answer.text()], [404, '"/u/ada/" is not a folder.\n']);
    }
  });

  it("lists the folder of a user as a root, also before it exists, and nothing else", async () => {
    const { app, put, store } = host("/u/:user", { scope: (c) => `tenants/${c.req.param("user")}` });
    const json = { headers: { Accept: "application/json" } };
    const names = async (url: string): Promise<unknown> => {
      const answer = await app.request(url, json);
      const { path, entries, next } = (await answer.json()) as {
        path: string;
        entries: { name: string }[];
        next?: string;
      };
      return [path, entries.map(({ name }) => name), next];
    };
    assert.deepEqual(await names("/u/ada/"), ["/", [], undefined]);
    for (const name of ["a.txt", "dir/b.txt", "z.txt"]) await put(`/u/ada/${name}`);
    await put("/u/bob/c.txt");
    // Only the whole root can have it, and no URL of this mount can name it.
    await (await store.claim(`tenants/ada/${RESERVED_SEGMENT}/x`)).release();
    assert.deepEqual(await names("/u/ada"), ["/", ["a.txt", "dir", "z.txt"], undefined]);
    assert.deepEqual(await names("/u/ada/dir"), ["/dir", ["b.txt"], undefined]);
    assert.deepEqual(await names("/u/ada/?limit=1"), ["/", ["a.txt"], "a.txt"]);
    assert.deepEqual(await names("/u/ada/?limit=2&after=a.txt"), ["/", ["dir", "z.txt"], undefined]);
    for (const url of ["/u/ada", "/u/ada/"]) {
      const page = await (await app.request(url, { headers: { Accept: "text/html" } })).text();
      assert.match(page, /<title>\/<\/title>[\s\S]*href="\/u\/ada\/a\.txt"[\s\S]*href="\/u\/ada\/dir\/"/);
      assert.doesNotMatch(page, /tenants|bob|href="[^"]*">\.\./);
    }
  });

  it("shows the body of a failed read the client's path", async () => {
    const store = memoryStore();
    const { app } = host("/u/:user", { store, scope: (c) => `tenants/${c.req.param("user")}` });
    // More than what is read before the response begins.
    await app.request("/u/ada/a.txt?verb=APPEND", { method: "PUT", body: "x".repeat(3_000_000) });
    const read = await app.request("/u/ada/a.txt");
    await store.remove("tenants/ada/a.txt");
    await assert.rejects(read.text(), (error: Error & { path?: string }) => {
      assert.match(error.message, /^"\/u\/ada\/a\.txt" /);
      assert.equal(error.path, "a.txt");
      return true;
    });
  });
});
