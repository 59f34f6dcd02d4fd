/** Tokens of an attacker who knows the public keys, and has a valid token for something else. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import process from "node:process";
import { test } from "node:test";
import fc from "fast-check";
import { jwt } from "../../src/auth/mod.ts";
import { ask, present, sign, signer } from "./tokens.ts";

const COUNT = 10_000;
const WANTED = "secret.log";

/** Whether a token differs from a valid one only in the bits of base64url that carry nothing. */
function isVariant(token: string, valid: readonly string[]): boolean {
  return valid.some((each) => {
    const [head, body, signature = ""] = each.split(".");
    const [otherHead, otherBody, otherSignature = ""] = token.trim().split(".");
    const isSame = Buffer.from(signature, "base64url").equals(Buffer.from(otherSignature, "base64url"));
    return head === otherHead && body === otherBody && isSame;
  });
}

const text = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

test(`${COUNT} hostile tokens are refused, and nothing crashes`, async () => {
  const signers = await Promise.all(["HS256", "RS256", "ES256", "EdDSA"].map((alg) => signer(alg, alg)));
  const gate = jwt({ keys: signers.map(({ jwk }) => jwk) });
  const harmless = { httpfstream: { read: ["/public/**"] } };
  const valid = await Promise.all(signers.map((own) => sign(own, harmless)));
  const payload = text({ httpfstream: { read: ["/**"] } });

  const publicKeys = signers.slice(1).map(({ jwk }) => new TextEncoder().encode(JSON.stringify(jwk).padEnd(32, " ")));
  const confused = await Promise.all(
    publicKeys.flatMap((key) =>
      signers.map(({ jwk }) => {
        const named = { alg: "HS256", key, jwk: { kid: jwk.kid } as never };
        return sign(named, { httpfstream: { read: ["/**"] } });
      }),
    ),
  );

  const alg = fc.oneof(
    fc.constantFrom(
      "none",
      "nOnE",
      "HS256",
      "HS384",
      "HS512",
      "RS256",
      "RS512",
      "PS256",
      "ES256",
      "ES384",
      "EdDSA",
      "Ed25519",
    ),
    fc.jsonValue({ maxDepth: 1 }),
  );
  const kid = fc.oneof(
    fc.constantFrom("HS256", "RS256", "ES256", "EdDSA", "../../dev/null", "' OR 1=1 --", "__proto__", "constructor"),
    fc.jsonValue({ maxDepth: 1 }),
  );
  const extra = fc.constantFrom(
    {},
    { crit: ["exp"] },
    { crit: ["b64"], b64: false },
    { b64: false },
    { zip: "DEF" },
    { jwk: signers[1]?.jwk },
    { jku: "http://127.0.0.1:1/" },
    { x5c: ["AAAA"] },
    { typ: "JWE", enc: "A256GCM" },
  );
  const header = fc
    .tuple(fc.option(alg, { nil: undefined }), fc.option(kid, { nil: undefined }), extra)
    .map(([alg, kid, more]) => text({ alg, kid, ...more }));
  const bytes = fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array).toString("base64url"));
  const odd = fc.array(fc.nat({ max: 0xd7ff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units));
  const part = fc.oneof(
    header,
    bytes,
    fc.constant(payload),
    fc.constantFrom(...valid.flatMap((token) => token.split("."))),
    odd.map(text),
    fc.jsonValue({ maxDepth: 1 }).map(text),
    fc.constantFrom("", "=", "A", "e30", "W10", "bnVsbA"),
  );
  const claims = fc.oneof(
    fc.constant(payload),
    fc.jsonValue({ maxDepth: 1 }).map((value) => text({ httpfstream: value })),
    fc.constantFrom(
      text({ httpfstream: { read: ["/**"] }, exp: 1e308 }),
      text('{"httpfstream":{"read":["/**"]},"exp":1e999}'),
    ),
  );
  const signature = fc.oneof(bytes, fc.constantFrom("", ...valid.map((token) => token.split(".")[2] ?? "")));
  const changed = fc.tuple(fc.constantFrom(...valid), fc.nat(), fc.string({ maxLength: 3 })).map(([token, at, put]) => {
    const place = at % token.length;
    return `${token.slice(0, place)}${put}${token.slice(place + 1)}`;
  });
  const token = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(header, claims, signature).map((parts) => parts.join(".")) },
    { weight: 2, arbitrary: fc.array(part, { maxLength: 6 }).map((parts) => parts.join(".")) },
    { weight: 2, arbitrary: changed },
    { weight: 1, arbitrary: fc.constantFrom(...confused) },
    { weight: 1, arbitrary: odd },
    {
      weight: 1,
      arbitrary: fc
        .tuple(header, fc.integer({ min: 5_000, max: 9_000 }))
        .map(([head, n]) => `${head}.${"e30".repeat(n)}.`),
    },
  );

  const assertRefused = async (hostile: string): Promise<void> => {
    // The parameter takes what can't be in a header.
    const query = `access_token=${encodeURIComponent(hostile)}`;
    const { code } = await ask(gate, { query, path: WANTED });
    assert.ok(code === "unauthorized" || code === "forbidden", `${code} for ${JSON.stringify(hostile)}`);
    // A changed token may still be the valid one; it then allows what that allows.
    if (code === "forbidden") assert.ok(isVariant(hostile, valid), JSON.stringify(hostile));
  };

  const crashes: unknown[] = [];
  const note = (error: unknown): unknown => crashes.push(error);
  process.on("unhandledRejection", note);
  try {
    const tokens = fc.sample(token, COUNT);
    // Many at once, as an attacker would send them.
    for (let at = 0; at < tokens.length; at += 200) await Promise.all(tokens.slice(at, at + 200).map(assertRefused));
  } finally {
    process.off("unhandledRejection", note);
  }
  assert.deepEqual(crashes, []);
  for (const own of valid) assert.equal((await present(gate, own, { path: "public/a" })).code, "allowed");
});
