import assert from "node:assert/strict";
import { test } from "node:test";
import { type Context, Hono } from "hono";
import { StreamError } from "../../src/protocol/errors.ts";
import { type AccessDecision, type AccessRequest, askGate } from "../../src/server/gate/gate.ts";

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
  const permission = { allow: true, expiresAtMs: 5, mayRead: () => false };
  assert.equal(await asked(permission), permission);
});

test("a response is handed out as it is", async () => {
  const response = new Response("later", { status: 302 });
  assert.equal(await asked(response), response);
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
