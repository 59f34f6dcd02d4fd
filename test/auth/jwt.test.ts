import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { exportPKCS8, exportSPKI, generateKeyPair } from "jose";
import { type JwtOptions, jwt, type Key, anonymous as openTo } from "../../src/auth/mod.ts";
import { ahead, ask, inSeconds, keyPair, present, type Signer, sign, signer } from "./tokens.ts";

const READ = { httpfstream: { read: ["/**"] } };

async function secretGate(options: Partial<JwtOptions> = {}): Promise<{ own: Signer; gate: ReturnType<typeof jwt> }> {
  const own = await signer("HS256");
  return { own, gate: jwt({ keys: own.jwk, ...options }) };
}

describe("jwt()", () => {
  for (const alg of ["HS256", "RS256", "ES256", "EdDSA"]) {
    test(`takes ${alg} tokens of its own key, and no others`, async () => {
      const own = await signer(alg);
      const other = await signer(alg);
      const gate = jwt({ keys: own.jwk });
      assert.equal((await present(gate, await sign(own, READ))).code, "allowed");
      const refused = await present(gate, await sign(other, READ));
      assert.equal(refused.code, "unauthorized");
      assert.match(refused.message, /^The signature of the token is not valid\.$/);
      const challenge = 'Bearer realm="httpfstream", error="invalid_token", error_description="The signature';
      assert.ok(refused.challenge?.startsWith(challenge), refused.challenge);
    });
  }

  test("takes Ed25519 tokens under the algorithm's other name", async () => {
    const own = await signer("EdDSA");
    const token = await sign({ ...own, alg: "Ed25519" }, READ);
    assert.equal((await present(jwt({ keys: own.jwk }), token)).code, "allowed");
  });

  test("a request without a token gets 401 without an error", async () => {
    const { gate } = await secretGate();
    for (const authorization of [undefined, "Basic dTpw", "Bearers abc"]) {
      const refused = await ask(gate, authorization === undefined ? {} : { authorization });
      assert.equal(refused.code, "unauthorized");
      assert.equal(refused.challenge, 'Bearer realm="httpfstream"');
      assert.match(refused.message, /needs a token/);
    }
  });

  test("the token is in the header, in any case of its scheme, or in the query; two different ones are 400", async () => {
    const { own, gate } = await secretGate();
    const token = await sign(own, READ);
    const other = await sign(own, { ...READ, sub: "other" });
    const allowed = [
      { authorization: `bearer   ${token}` },
      { authorization: `BEARER\t${token}  ` },
      { query: `access_token=${token}` },
      { authorization: `Bearer ${token}`, query: `access_token=${token}` },
      { authorization: "Basic dTpw", query: `a=b&access_token=${token}` },
    ];
    for (const question of allowed) assert.equal((await ask(gate, question)).code, "allowed", JSON.stringify(question));
    const two = [
      { authorization: `Bearer ${token}`, query: `access_token=${other}` },
      { query: `access_token=${token}&access_token=${other}` },
      { authorization: "Bearer", query: `access_token=${token}` },
    ];
    for (const question of two) assert.equal((await ask(gate, question)).code, "bad_request", JSON.stringify(question));
    const malformed = [
      { authorization: "Bearer" },
      { authorization: "bearer  " },
      { query: "access_token=" },
      { authorization: `Bearer ${token}, Bearer ${token}` },
    ];
    for (const question of malformed) {
      const refused = await ask(gate, question);
      assert.equal(refused.code, "unauthorized", JSON.stringify(question));
      assert.match(refused.challenge ?? "", /error="invalid_token"/);
    }
  });

  test("the token allows its actions on its paths; another path is 403", async () => {
    const { own, gate } = await secretGate();
    const token = await sign(own, { httpfstream: { append: ["/build/42.log"], read: ["/build/**"], future: ["/**"] } });
    const cases: ["read" | "list" | "append" | "delete", string, string][] = [
      ["append", "build/42.log", "allowed"],
      ["append", "build/43.log", "forbidden"],
      ["read", "build/43.log", "allowed"],
      ["read", "other", "forbidden"],
      ["list", "build", "forbidden"],
      ["delete", "build/42.log", "forbidden"],
    ];
    for (const [action, path, code] of cases) {
      assert.equal((await present(gate, token, { action, path })).code, code, `${action} ${path}`);
    }
    const refused = await present(gate, token, { action: "list", path: "build" });
    assert.equal(refused.message, 'The token does not allow listing "/build".');
    // The gate is asked about listing where a folder is, so the answer must not reveal which of the two it was.
    const [folder, file] = await Promise.all([
      present(gate, token, { action: "list", path: "other" }),
      present(gate, token, { action: "read", path: "other" }),
    ]);
    assert.equal(folder.message, file.message);
    assert.equal(file.message, 'The token allows neither reading nor listing "/other".');
  });

  test("a token without permissions is valid, and allows nothing", async () => {
    const { own, gate } = await secretGate();
    assert.equal((await present(gate, await sign(own, {}))).code, "forbidden");
    assert.equal((await present(gate, await sign(own, { httpfstream: {} }))).code, "forbidden");
  });

  test("a token with malformed permissions is not valid as a whole", async () => {
    const { own, gate } = await secretGate();
    for (const httpfstream of ["/**", [], { read: "/**" }, { read: ["/**"], append: ["a"] }, { read: [1] }]) {
      const refused = await present(gate, await sign(own, { httpfstream }));
      assert.equal(refused.code, "unauthorized", JSON.stringify(httpfstream));
      assert.match(refused.message, /permissions in the token are malformed/);
    }
  });

  test("dates have a leeway of 5 s, and the permission ends when the token does", async () => {
    const { own, gate } = await secretGate();
    const expired = await present(gate, await sign(own, { ...READ, exp: inSeconds(-60) }));
    assert.deepEqual([expired.code, expired.message], ["unauthorized", "The token has expired."]);
    const early = await present(gate, await sign(own, { ...READ, nbf: inSeconds(60) }));
    assert.deepEqual([early.code, early.message], ["unauthorized", "The token is not valid yet."]);
    const exp = inSeconds(-1);
    const late = await present(gate, await sign(own, { ...READ, exp, nbf: inSeconds(3) }));
    assert.equal(late.permission?.expiresAtMs, (exp + 5) * 1000);
    const endless = await present(gate, await sign(own, READ));
    assert.equal(endless.code, "allowed");
    assert.equal(endless.permission?.expiresAtMs, undefined);
    const { message } = await present(gate, await sign(own, { ...READ, exp: "soon" as unknown as number }));
    assert.equal(message, "The token is malformed.");
  });

  test("a remembered token expires", async () => {
    const { own, gate } = await secretGate();
    const token = await sign(own, { ...READ, exp: inSeconds(30) });
    assert.equal((await present(gate, token)).code, "allowed");
    await ahead(34_000, async () => assert.equal((await present(gate, token)).code, "allowed"));
    await ahead(36_000, async () => assert.equal((await present(gate, token)).message, "The token has expired."));
  });

  test("an audience must be the server's, also where the server has none", async () => {
    const { own, gate } = await secretGate({ audience: ["streams", "logs"] });
    assert.equal((await present(gate, await sign(own, { ...READ, aud: "logs" }))).code, "allowed");
    assert.equal((await present(gate, await sign(own, { ...READ, aud: ["x", "streams"] }))).code, "allowed");
    const without = jwt({ keys: own.jwk });
    const wrong = [
      await sign(own, READ),
      await sign(own, { ...READ, aud: "x" }),
      await sign(own, { ...READ, aud: [] }),
    ];
    for (const token of wrong) {
      assert.equal((await present(gate, token)).message, "The token is for another audience.");
    }
    const named = await present(without, await sign(own, { ...READ, aud: "x" }));
    assert.equal(named.message, "The token is for another audience.");
  });

  test("an issuer must be the expected one", async () => {
    const { own, gate } = await secretGate({ issuer: "https://id.example.com" });
    assert.equal((await present(gate, await sign(own, { ...READ, iss: "https://id.example.com" }))).code, "allowed");
    for (const token of [await sign(own, READ), await sign(own, { ...READ, iss: "https://evil.example.com" })]) {
      assert.equal((await present(gate, token)).message, "The token is from another issuer.");
    }
  });

  test("everyone may do what anonymous requests may, and only that without a token", async () => {
    const { own, gate } = await secretGate({ anonymous: { read: ["/public/**"], list: ["/public"] } });
    assert.equal((await ask(gate, { path: "public/a" })).code, "allowed");
    assert.equal((await ask(gate, { path: "private/a" })).code, "unauthorized");
    assert.equal((await ask(gate, { path: "public/a", action: "append" })).code, "unauthorized");
    const token = await sign(own, { httpfstream: { read: ["/mine/**"] }, exp: inSeconds(60) });
    const open = await present(gate, token, { path: "public/a" });
    assert.deepEqual([open.code, open.permission?.expiresAtMs], ["allowed", undefined]);
    assert.ok((await present(gate, token, { path: "mine/a" })).permission?.expiresAtMs);
    const shown = ["mine/a", "public/a", "private/a"].filter((path) => open.permission?.mayRead?.(path, false));
    assert.deepEqual(shown, ["mine/a", "public/a"]);
    const expired = await sign(own, { httpfstream: {}, exp: inSeconds(-60) });
    assert.equal((await present(gate, expired, { path: "public/a" })).code, "unauthorized");
  });

  test("permissions can be derived from other claims", async () => {
    const { own, gate } = await secretGate({ grants: ({ sub }) => (sub ? { read: [`/users/${sub}/**`] } : undefined) });
    const token = await sign(own, { sub: "ada", httpfstream: { read: ["/**"] } });
    assert.equal((await present(gate, token, { path: "users/ada/x" })).code, "allowed");
    assert.equal((await present(gate, token, { path: "users/bob/x" })).code, "forbidden");
    assert.equal((await present(gate, await sign(own, READ))).code, "forbidden");
    const evil = await present(gate, await sign(own, { sub: "**/../x" }), { path: "users/bob/x" });
    assert.equal(evil.code, "unauthorized");
  });

  test("permissions that are derived by a promise, or are none, are a failure of the app", async () => {
    const wrong: [() => unknown, RegExp][] = [
      [async () => ({ read: ["/**"] }), /"grants" of jwt\(\) returned a promise; it can't be async/],
      // Nothing else handles the rejection.
      [() => Promise.reject(new Error("no database")), /returned a promise/],
      [() => "/**", /must return permissions or undefined, not a string/],
      [() => true, /not a boolean/],
    ];
    for (const [grants, message] of wrong) {
      const { own, gate } = await secretGate({ grants: grants as NonNullable<JwtOptions["grants"]> });
      const refused = await present(gate, await sign(own, READ));
      assert.equal(refused.code, "internal");
      assert.match(refused.message, message);
    }
  });

  test("the signature of a token is verified once, also for many requests at once", async () => {
    const { own, gate } = await secretGate();
    const token = await sign(own, READ);
    const { subtle } = crypto;
    const verify = subtle.verify.bind(subtle);
    let count = 0;
    subtle.verify = (...args) => {
      count++;
      return verify(...args);
    };
    try {
      const many = await Promise.all(Array.from({ length: 50 }, () => present(gate, token)));
      for (const { code } of many) assert.equal(code, "allowed");
      assert.equal((await present(gate, token)).code, "allowed");
      assert.equal(count, 1);
    } finally {
      Reflect.deleteProperty(subtle, "verify");
    }
  });

  test("a gate for everyone asks for nothing", async () => {
    const gate = openTo({ read: ["/public/**"] });
    assert.equal((await ask(gate, { path: "public/a" })).code, "allowed");
    const refused = await ask(gate, { path: "a" });
    assert.deepEqual([refused.code, refused.challenge], ["forbidden", undefined]);
  });
});

describe("the keys of jwt()", () => {
  test("are bound to their algorithm: a public key is no secret", async () => {
    const rsa = await signer("RS256");
    const { publicKey } = await keyPair("RS256");
    const pem = await exportSPKI(publicKey);
    for (const keys of [rsa.jwk, pem]) {
      const gate = jwt({ keys });
      const guesses = [pem, pem.trim(), JSON.stringify(rsa.jwk), rsa.jwk.n ?? ""];
      for (const guess of guesses) {
        const forged = { alg: "HS256", key: new TextEncoder().encode(guess), jwk: {} as never };
        assert.equal((await present(gate, await sign(forged, READ))).code, "unauthorized");
      }
    }
  });

  test("none, and algorithms that are not supported, are refused", async () => {
    const { own, gate } = await secretGate();
    const [, payload] = (await sign(own, READ)).split(".");
    for (const alg of ["none", "None", "NONE", "", "HS512", "RS384", "PS256", "ES256K", null, 1, ["HS256"]]) {
      const header = Buffer.from(JSON.stringify({ alg })).toString("base64url");
      for (const token of [`${header}.${payload}.`, `${header}.${payload}`, `${header}.${payload}.AAAA`]) {
        assert.equal((await present(gate, token)).code, "unauthorized", token);
      }
    }
  });

  test("a token with critical extensions is refused", async () => {
    const { own, gate } = await secretGate();
    const token = await sign(own, READ, { crit: ["b64"], b64: true });
    assert.match((await present(gate, token)).message, /extension/);
  });

  test("are chosen by their names, if they have one", async () => {
    const [first, second, nameless] = await Promise.all([signer("ES256", "1"), signer("ES256", "2"), signer("ES256")]);
    const gate = jwt({ keys: [{ keys: [first.jwk, second.jwk] }, nameless.jwk] });
    for (const own of [first, second, nameless])
      assert.equal((await present(gate, await sign(own, READ))).code, "allowed");
    assert.equal((await present(gate, await sign(first, READ, { kid: "2" }))).code, "unauthorized");
    assert.equal((await present(gate, await sign(first, READ, { kid: "3" }))).code, "unauthorized");
    assert.equal((await present(gate, await sign(nameless, READ, { kid: "3" }))).code, "allowed");
    const named = jwt({ keys: first.jwk });
    assert.match((await present(named, await sign(second, READ))).message, /^No key of this server/);
  });

  test("are taken as a private key, PEM, a set with other keys, and bytes", async () => {
    for (const alg of ["RS256", "ES256", "EdDSA"]) {
      const { privateKey, publicKey } = await keyPair(alg);
      const token = await sign({ alg, key: privateKey, jwk: {} as never }, READ);
      for (const pem of [await exportSPKI(publicKey), await exportPKCS8(privateKey)]) {
        assert.equal((await present(jwt({ keys: pem }), token)).code, "allowed", `${alg} ${pem.slice(0, 30)}`);
      }
    }
    const own = await signer("EdDSA");
    const others = [{ kty: "EC", crv: "P-521" }, { kty: "weird" }, { ...own.jwk, use: "enc", kid: "x" }, null, 1];
    const gate = jwt({ keys: { keys: [...others, own.jwk] as never } });
    assert.equal((await present(gate, await sign(own, READ))).code, "allowed");
    const bytes = crypto.getRandomValues(new Uint8Array(40));
    const token = await sign({ alg: "HS256", key: bytes, jwk: {} as never }, READ);
    assert.equal((await present(jwt({ keys: bytes }), token)).code, "allowed");
  });

  test("that can't be used are reported at once, and refuse every token", async () => {
    const p384 = await generateKeyPair("ES384", { extractable: true });
    const weak = await crypto.subtle.generateKey(
      { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) },
      true,
      ["sign", "verify"],
    );
    const { own } = await secretGate();
    const bad: [JwtOptions["keys"], RegExp][] = [
      [new Uint8Array(31), /31 bytes; it must have at least 32/],
      [{ kty: "oct", k: "AAAA" }, /3 bytes/],
      [{ kty: "oct" }, /0 bytes/],
      ["correct horse battery staple, long enough", /must be in PEM format/],
      ["https://id.example.com/jwks.json", /address of a set as a URL object/],
      [{ keys: [] }, /no key that can be used/],
      [{ ...own.jwk, alg: "HS512" }, /not supported/],
      [{ kty: "EC", crv: "P-384", x: "AA", y: "AA" }, /not supported/],
      [{ kty: "RSA", n: "AQAB", e: "AQAB" }, /RSA key has \d+ bits|malformed/],
      [{ kty: "EC", crv: "P-256", x: "AA", y: "AA" }, /malformed/],
      [await exportSPKI(p384.publicKey), /PEM block can't be read/],
      [await exportSPKI(weak.publicKey as never), /1024 bits/],
      ["-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----", /openssl pkcs8/],
      [`${await exportSPKI(p384.publicKey)}${await exportSPKI(p384.publicKey)}`, /more than one PEM block/],
    ];
    for (const [keys, message] of bad) {
      const reported = await new Promise<{ error: Error; gate: ReturnType<typeof jwt> }>((resolve) => {
        const gate = jwt({ keys, onError: (error) => resolve({ error, gate }) });
      });
      assert.match(reported.error.message, message);
      assert.equal((await present(reported.gate, await sign(own, READ))).code, "internal");
    }
  });

  test("of the wrong kind, and wrong options, are a TypeError", async () => {
    const { own } = await secretGate();
    const wrong: [unknown, RegExp][] = [
      [{ keys: [] }, /"keys" of jwt\(\) is empty/],
      [{}, /"keys" of jwt\(\) must be/],
      [{ keys: null }, /"keys" of jwt\(\) must be/],
      [{ keys: new URL("file:///etc/keys") }, /must begin with https/],
      [{ keys: own.jwk, audiences: "a" }, /"audiences" is not an option/],
      [{ keys: own.jwk, audience: "" }, /"audience" of jwt\(\) must be a name/],
      [{ keys: own.jwk, issuer: [] }, /"issuer" of jwt\(\) must be a name/],
      [{ keys: own.jwk, grants: {} }, /"grants" of jwt\(\) must be a function/],
      [{ keys: own.jwk, anonymous: { read: ["public"] } }, /must begin with a slash/],
    ];
    for (const [options, message] of wrong) assert.throws(() => jwt(options as JwtOptions), message);
  });

  test("of a function are used as soon as it returns others", async () => {
    const [old, young] = await Promise.all([signer("HS256"), signer("HS256")]);
    let current = old.jwk;
    const gate = jwt({ keys: () => current });
    const [before, after] = await Promise.all([sign(old, READ), sign(young, READ)]);
    assert.equal((await present(gate, before)).code, "allowed");
    assert.equal((await present(gate, after)).code, "unauthorized");
    current = young.jwk;
    assert.equal((await present(gate, before)).code, "unauthorized");
    assert.equal((await present(gate, after)).code, "allowed");
  });

  test("of a function that fails, or returns none, are reported once, and refuse every token with 500", async () => {
    const own = await signer("HS256");
    const token = await sign(own, READ);
    const reported: string[] = [];
    let answer = (): unknown => undefined;
    const gate = jwt({ keys: (() => answer()) as () => Key, onError: ({ message }) => reported.push(message) });
    const fails = (message: string) => (): never => {
      throw new Error(message);
    };
    const steps: [() => unknown, string][] = [
      [() => undefined, "internal"],
      [() => null, "internal"],
      [fails("no file"), "internal"],
      [() => own.jwk, "allowed"],
      [fails("no file"), "internal"],
      [() => Promise.reject("not even an error"), "internal"],
    ];
    for (const [next, code] of steps) {
      answer = next;
      for (let times = 0; times < 3; times++) assert.equal((await present(gate, token)).code, code);
    }
    const [none, ...others] = reported;
    assert.match(none ?? "", /neither a JWK/);
    assert.deepEqual(others, ["no file", "no file", "The keys can't be read: not even an error."]);
  });
});
