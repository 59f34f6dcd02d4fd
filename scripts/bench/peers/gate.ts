/** Keys and tokens, for a server that asks for them. @module */
import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** The algorithms to measure: the cheapest one, and one with a key pair. */
export const ALGORITHMS = ["HS256", "EdDSA"] as const;

/** Creates a key, as a set for `--jwks`, and different tokens that allow everything. */
export function createTokens(alg: (typeof ALGORITHMS)[number], count: number) {
  const secret = randomBytes(32);
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const isSecret = alg === "HS256";
  const key = isSecret ? { kty: "oct", k: secret.toString("base64url") } : publicKey.export({ format: "jwk" });
  // Longer than any run.
  const exp = Math.ceil(Date.now() / 1000) + 86_400;
  const tokens = Array.from({ length: count }, (_, number) => {
    const claims = { exp, sub: String(number), httpfstream: { read: ["/**"], append: ["/**"] } };
    const text = [{ alg }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const mac = createHmac("sha256", secret).update(text);
    return `${text}.${(isSecret ? mac.digest() : sign(null, Buffer.from(text), privateKey)).toString("base64url")}`;
  });
  return { jwks: JSON.stringify({ keys: [{ alg, ...key }] }), tokens };
}
