import assert from "node:assert/strict";
import { test } from "node:test";
import { type Context, Hono } from "hono";
import { StreamError } from "../../src/protocol/errors.ts";
import { type AccessDecision, type AccessRequest, askGate, type Permission } from "../../src/server/gate/gate.ts";

/** Asks the gate within a real request, and returns the answer or what it throws. */
async function asked(
  decision: unknown,
  { headers = {}, action = "append" }: { headers?: Record<string, string>; action?: AccessRequest["action"] } = {},
): Promise<unknown> {
  let answer: unknown;
  const app = new Hono();
  app.get("/", async (c: Context) => {
    answer = await askGate(() => decision as AccessDecision, { action, path: "build/42.log", c }).catch(
      (error: unknown) => error,
    );
    return c.body(null);
  });
  await app.request("/", { headers });
  return answer;
}

function assertRefused(answer: unknown, code: string, message: RegExp): StreamError {
  assert.ok(answer instanceof StreamError, String(answer));
  assert.equal(answer.code, code);
  assert.match(answer.message, message);
  return answer;
}

test("true and a permission allow", async () => {
  assert.deepEqual(await asked(true), { allow: true });
  for (const expiresAtMs of [undefined, 5, 0, -1, Number.POSITIVE_INFINITY]) {
    const answer = (await asked({ allow: true, expiresAtMs, mayRead: (path: string) => path === "a" })) as Permission;
    assert.equal(answer.allow, true);
    assert.equal(answer.expiresAtMs, expiresAtMs);
    assert.deepEqual([answer.mayRead?.("a", false), answer.mayRead?.("b", false)], [true, false]);
  }
});

test("a field of the wrong type refuses, and the error names it", async () => {
  const malformed: [Record<string, unknown>, RegExp][] = [
    [{ allow: true, expiresAtMs: Number.NaN }, /"expiresAtMs" .* not NaN\./],
    [{ allow: true, expiresAtMs: "2030-01-01" }, /"expiresAtMs" .* not the string "2030-01-01"\./],
    [{ allow: true, expiresAtMs: new Date(0) }, /"expiresAtMs" .* not another object\./],
    [{ allow: true, expiresAtMs: null }, /"expiresAtMs" .* not null\./],
    [{ allow: true, expiresAtMs: 1n }, /"expiresAtMs" .* not 1\./],
    [{ allow: true, mayRead: true }, /"mayRead" .* not true\./],
    [{ allow: true, mayRead: null }, /"mayRead" .* not null\./],
    [{ allow: false, status: 200 }, /"status" .* not 200\./],
    [{ allow: false, status: "401" }, /"status" .* not the string "401"\./],
    [{ allow: false, message: 5 }, /"message" .* not 5\./],
    [{ allow: false, status: 401, challenge: ["Basic"] }, /"challenge" .* not another object\./],
    [{ allow: false, status: 401, challenge: "Basic\r\nSet-Cookie: a=b" }, /"challenge" .* not the string "Basic\\r/],
    [{ allow: false, status: 401, challenge: 'Basic realm="日本"' }, /"challenge" /],
    [{ allow: false, status: 401, challenge: "Basic\u0001" }, /"challenge" /],
  ];
  for (const [decision, message] of malformed) {
    const answer = await asked(decision);
    assert.ok(answer instanceof TypeError, `${String(answer)} ${message}`);
    assert.match(answer.message, message);
  }
});

test("a mayRead that does not return a boolean fails, so that one that is async shows nothing", async () => {
  const rejections: unknown[] = [];
  const collect = (error: unknown): void => void rejections.push(error);
  process.on("unhandledRejection", collect);
  const results: [unknown, RegExp][] = [
    [Promise.resolve(false), /not a promise\. It can't be async\./],
    [Promise.reject(new Error("no such user")), /not a promise/],
    [undefined, /not undefined/],
    [1, /not 1/],
  ];
  for (const [result, message] of results) {
    const { mayRead } = (await asked({ allow: true, mayRead: () => result })) as Permission;
    assert.throws(() => mayRead?.("a", false), message);
  }
  await new Promise(setImmediate);
  process.off("unhandledRejection", collect);
  assert.deepEqual(rejections, []);
});

test("a response is handed out with its status, headers and body", async () => {
  const headers = new Headers([
    ["Set-Cookie", "a=1"],
    ["Set-Cookie", "b=2"],
    ["Location", "/login"],
  ]);
  const answer = (await asked(new Response("later", { status: 302, headers }))) as Response;
  assert.deepEqual([answer.status, answer.headers.get("Location"), await answer.text()], [302, "/login", "later"]);
  assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2"]);
});

test("a response whose body was used, or was returned before, refuses", async () => {
  const used = new Response("a");
  await used.text();
  const locked = new Response("a");
  locked.body?.getReader();
  const twice = new Response("a");
  assert.ok((await asked(twice)) instanceof Response);
  for (const response of [used, locked, twice]) {
    const answer = await asked(response);
    assert.ok(answer instanceof TypeError, String(answer));
    assert.match(answer.message, /Return a new Response each time\.$/);
  }
  const bodyless = Response.redirect("http://localhost/login");
  for (let times = 0; times < 3; times++) assert.equal(((await asked(bodyless)) as Response).status, 302);
});

test("a response that is not final refuses", async () => {
  // No standard way creates one with 101; runtimes do at an upgrade.
  const upgraded = Object.defineProperty(new Response(null), "status", { value: 101 });
  for (const response of [upgraded, Response.error()]) {
    const answer = await asked(response);
    assert.ok(answer instanceof TypeError, String(answer));
    assert.match(answer.message, /with status (101|0), which can't be sent/);
  }
});

test("false, and a refusal without a status, are 403", async () => {
  assertRefused(await asked(false), "forbidden", /^Appending to "\/build\/42\.log" is not allowed/);
  assertRefused(await asked({ allow: false }, { action: "delete" }), "forbidden", /^Removing/);
  assertRefused(await asked({ allow: false, message: "Not today." }), "forbidden", /^Not today\.$/);
});

test("a 401 has a challenge", async () => {
  const plain = assertRefused(await asked({ allow: false, status: 401 }), "unauthorized", /needs valid credentials/);
  assert.equal(plain.headers["WWW-Authenticate"], 'Bearer realm="httpfstream"');
  const own = assertRefused(await asked({ allow: false, status: 401, challenge: "Basic" }), "unauthorized", /./);
  assert.equal(own.headers["WWW-Authenticate"], "Basic");
});

test("a 404 says no more than that of a missing path", async () => {
  const hidden = assertRefused(
    await asked({ allow: false, status: 404, message: "It is secret." }),
    "not_found",
    /^"\/build\/42\.log" does not exist\.$/,
  );
  assert.deepEqual(hidden.headers, {});
});

test("a request with producer headers gets 401 in place of 403", async () => {
  const refused = await asked(false, { headers: { "Producer-Id": "a" } });
  const { headers } = assertRefused(refused, "unauthorized", /not allowed|credentials/);
  assert.ok(headers["WWW-Authenticate"]);
  assertRefused(await asked({ allow: false, status: 404 }, { headers: { "Producer-Id": "a" } }), "not_found", /./);
});

test("anything else refuses, so that a function that forgets to return allows nothing", async () => {
  for (const decision of [undefined, null, 1, "yes", {}, { allow: "yes" }, []]) {
    const answer = await asked(decision);
    assert.ok(answer instanceof TypeError, String(answer));
    assert.match(answer.message, /must return true, false/);
  }
});
