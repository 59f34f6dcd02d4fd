/** The option `scope`: no URL and no scope lead out of the folder of a request. */
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { Hono } from "hono";
import { fstream, memoryStore, type Store } from "../../mod.ts";
import { RESERVED_SEGMENT } from "../../src/protocol/path.ts";
import { settings } from "./settings.ts";

type Arbitrary<T> = T extends fc.Arbitrary<infer Value> ? Value : never;

it("keeps every path below the folder of its request, for any URL and any scope", async () => {
  const seen: string[] = [];
  const inner = memoryStore();
  const store: Store = {
    sessions: inner.sessions,
    read: inner.read.bind(inner),
    remove: (path) => note(path, inner.remove(path)),
    stat: (path) => note(path, inner.stat(path)),
    claim: (path, options) => note(path, inner.claim(path, options)),
    list: (path, options) => note(path, inner.list(path, options)),
  };
  function note<T>(path: string, result: T): T {
    seen.push(path);
    return result;
  }
  let folder = "";
  let isParameter = false;
  const streams = fstream({
    store,
    deletes: "all",
    log: () => {},
    scope: (c) => (isParameter ? c.req.param("user") : folder),
  });
  const app = new Hono().route("/u/:user", streams);
  const odd = [
    "..",
    ".",
    "",
    RESERVED_SEGMENT,
    ".HttpFstream",
    "a",
    "b",
    "bob",
    "\\",
    "\0",
    "a\\..\\b",
    "%2e%2e",
    "a/b",
  ];
  const part = fc.oneof(fc.constantFrom(...odd), fc.string({ unit: "binary", maxLength: 6 }));
  const sent = fc.oneof(
    part.map((text) => encodeURIComponent(text)),
    fc.constantFrom("..", ".", "%2e%2e", "%2E.", "%2f", "%2F..%2Feve", "%5c..%5ceve", "%252e%252e", "%252f", "%00", ""),
    fc.constantFrom("//", "\\..\\", ";x", "%", "%zz", "%c3", RESERVED_SEGMENT, "%2ehttpfstream", "a:b", "*"),
  );
  const request = fc.record({
    user: sent,
    below: fc.array(sent, { maxLength: 4 }),
    scope: fc.oneof(
      fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
      fc.constant("/"),
    ),
    fromParameter: fc.boolean(),
    method: fc.constantFrom("GET", "PUT", "DELETE"),
  });
  const check = async ({ user, below, scope, fromParameter, method }: Arbitrary<typeof request>): Promise<void> => {
    seen.length = 0;
    folder = scope;
    isParameter = fromParameter;
    const url = `http://localhost/u/${[user, ...below].join("/")}${method === "PUT" ? "?verb=APPEND" : ""}`;
    if (!URL.canParse(url)) return;
    const answer = await app.request(url, method === "PUT" ? { method, body: "x" } : { method });
    await answer.text();
    if (fromParameter && seen.length > 0) folder = decodeURIComponent(new URL(url).pathname.split("/")[2] ?? "");
    assert.ok(
      seen.length === 0 || !fromParameter || !folder.includes("/"),
      `a parameter is one segment, not ${folder}`,
    );
    const root = folder.replace(/^\//, "");
    for (const path of seen) {
      const segments = path.split("/");
      assert.ok(root === "" || path === root || path.startsWith(`${root}/`), `${path} is not in ${root}`);
      assert.ok(!segments.some((segment) => [".", ".."].includes(segment) || /[\\\0]/.test(segment)), path);
      assert.notEqual(segments[0]?.toLowerCase(), RESERVED_SEGMENT);
      assert.ok(path === "" || !segments.includes(""), path);
    }
  };
  await fc.assert(fc.asyncProperty(request, check), settings(150));
  assert.equal(await inner.stat("eve"), undefined);
});
