/**
 * Keys that verify tokens. Each is bound to the one algorithm that its type has here, so that a token can't choose
 * another one: a public key is never taken for a shared secret.
 * @module
 */
import { base64url, type CryptoKey, exportJWK, importJWK, importPKCS8, importSPKI, importX509, type JWK } from "jose";
import { type Algorithm, algorithmNamed } from "./algorithms.ts";

/** A JSON Web Key (RFC 7517). */
export interface Jwk {
  /** The type of the key, such as `EC`. */
  readonly kty?: string | undefined;
  /** The algorithm that it is for. */
  readonly alg?: string | undefined;
  /** Its use: `sig` or `enc`. */
  readonly use?: string | undefined;
  /** Its name. */
  readonly kid?: string | undefined;
  /** The curve. */
  readonly crv?: string | undefined;
  /** A secret, in base64url. */
  readonly k?: string | undefined;
  /** A private key, in base64url. */
  readonly d?: string | undefined;
  /** A coordinate of a public key, in base64url. */
  readonly x?: string | undefined;
  /** The other coordinate. */
  readonly y?: string | undefined;
  /** The other members of its type. */
  readonly [member: string]: unknown;
}

/** A set of JSON Web Keys. */
export interface JwkSet {
  /** The keys. */
  readonly keys: readonly Jwk[];
}

/**
 * A key: a JWK, a set of JWKs, a PEM block (`PUBLIC KEY`, `PRIVATE KEY` or `CERTIFICATE`), or the bytes of a secret
 * (HS256). Of a private key, only the public half is used to verify.
 */
export type Key = Jwk | JwkSet | string | Uint8Array;

/** Chooses the keys that may have signed a token. */
export interface TokenHeader {
  /** The algorithm in the header of the token. */
  readonly alg: string;
  /** The name of the key, if the token has one. */
  readonly kid: string | undefined;
}

/** One origin of keys. */
export interface KeySource {
  /** Brings the keys up to date. Resolves to another value than before if keys may have been removed. */
  refresh(): Promise<unknown>;
  /** The keys that may have signed a token with this header. */
  keysFor(header: TokenHeader): Promise<readonly VerificationKey[]>;
}

/** A key that is ready to verify. */
export interface VerificationKey {
  readonly algorithm: Algorithm;
  /** The name by which tokens refer to the key, if it has one. */
  readonly kid: string | undefined;
  readonly key: CryptoKey;
}

/** Minimum bytes of a secret, as RFC 7518 demands for HS256. */
export const MIN_SECRET_BYTES = 32;

/** Minimum bits of an RSA key, as RFC 7518 demands. */
const MIN_RSA_BITS = 2048;

/** Bytes of a coordinate of a key with a curve. */
const POINT_BYTES = 32;

/** For each type of key, its algorithm, the curve that it must have, and the members of its public half. */
const TYPES: Readonly<Record<string, { algorithm: Algorithm; crv?: string; members: readonly string[] }>> = {
  oct: { algorithm: "HS256", members: ["k"] },
  RSA: { algorithm: "RS256", members: ["n", "e"] },
  EC: { algorithm: "ES256", crv: "P-256", members: ["crv", "x", "y"] },
  OKP: { algorithm: "EdDSA", crv: "Ed25519", members: ["crv", "x"] },
};

const SUPPORTED =
  "The supported keys are secrets (HS256), RSA (RS256), EC with the curve P-256 (ES256) and Ed25519 (EdDSA)";

/**
 * Prepares a key. Of a set, keys for other algorithms and uses are left out.
 *
 * @throws {TypeError} for a key that is unsupported, malformed or too short, or a set without a usable key.
 */
export async function verificationKeys(key: Key): Promise<VerificationKey[]> {
  if (key instanceof Uint8Array) return [await ofJwk({ kty: "oct", k: base64url.encode(key) })];
  if (typeof key === "string") return [await ofJwk(await jwkOfPem(key))];
  if (typeof key !== "object" || key === null) throw notAKey();
  if (!("keys" in key)) return [await ofJwk(key as Jwk)];
  if (!Array.isArray(key.keys)) throw notAKey();
  const usable = key.keys.filter((each) => algorithmOf(each) !== undefined);
  if (usable.length === 0) throw new TypeError(`The set has no key that can be used. ${SUPPORTED}.`);
  return Promise.all(usable.map(ofJwk));
}

/**
 * The algorithm that a JWK is bound to; undefined if it is unsupported, or not meant for signatures.
 *
 * @example
 * ```ts
 * algorithmOf({ kty: "OKP", crv: "Ed25519", x: "…" }); // "EdDSA"
 * ```
 */
export function algorithmOf(jwk: Jwk): Algorithm | undefined {
  const type = typeOf(jwk);
  if (!type || type.crv !== jwk.crv) return undefined;
  if (jwk.alg !== undefined && algorithmNamed(jwk.alg) !== type.algorithm) return undefined;
  return jwk.use === undefined || jwk.use === "sig" ? type.algorithm : undefined;
}

function typeOf(jwk: Jwk): (typeof TYPES)[string] | undefined {
  // A set is whatever its publisher says.
  const { kty } = jwk ?? {};
  return typeof kty === "string" && Object.hasOwn(TYPES, kty) ? TYPES[kty] : undefined;
}

/**
 * The public half of a JWK; a secret has none and is returned whole.
 *
 * @throws {TypeError} for an unsupported key.
 */
export function publicJwkOf(jwk: Jwk): Jwk {
  const algorithm = algorithmOf(jwk);
  if (!algorithm) throw new TypeError(`The key is not supported, or not meant for signatures. ${SUPPORTED}.`);
  const members = typeOf(jwk)?.members ?? [];
  const kept = Object.fromEntries(Object.entries(jwk).filter(([name]) => members.includes(name)));
  const { kty, kid } = jwk;
  return { kty, ...kept, alg: algorithm, use: "sig", ...(typeof kid === "string" ? { kid } : {}) } as Jwk;
}

/** Whether a JWK contains a secret or a private key. */
export function isSecret(jwk: Jwk): boolean {
  return jwk.kty === "oct" || jwk.d !== undefined;
}

async function ofJwk(jwk: Jwk): Promise<VerificationKey> {
  const half = publicJwkOf(jwk);
  const { algorithm, crv } = typeOf(half) ?? malformed();
  // Some runtimes take a point of the wrong length, and fail later.
  const point = crv === undefined ? [] : [half.x, ...(half.kty === "EC" ? [half.y] : [])];
  if (point.some((coordinate) => decoded(coordinate).length !== POINT_BYTES)) malformed();
  const key = algorithm === "HS256" ? await secret(half.k) : await importJWK(half as JWK, algorithm).catch(malformed);
  if (key instanceof Uint8Array) throw notAKey();
  const { modulusLength = MIN_RSA_BITS } = key.algorithm as { modulusLength?: number };
  if (modulusLength < MIN_RSA_BITS) {
    throw new TypeError(`The RSA key has ${modulusLength} bits; it must have at least ${MIN_RSA_BITS}.`);
  }
  return { algorithm, kid: half.kid, key };
}

/** Imported once, because `jose` would import the bytes again for each token. */
function secret(encoded: string | undefined): Promise<CryptoKey> {
  const bytes = decoded(encoded);
  if (bytes.length < MIN_SECRET_BYTES) {
    throw new TypeError(`The secret has ${bytes.length} bytes; it must have at least ${MIN_SECRET_BYTES}.`);
  }
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function decoded(encoded: string | undefined): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(base64url.decode(encoded ?? ""));
  } catch (error) {
    return malformed(error);
  }
}

/**
 * Reads a PEM block as a JWK.
 *
 * @throws {TypeError} for a text that is not exactly one supported block.
 */
async function jwkOfPem(text: string): Promise<Jwk> {
  const [block, ...others] = text.match(/-----BEGIN [^-]+-----[^-]*-----END [^-]+-----/g) ?? [];
  if (block === undefined) {
    throw new TypeError(
      "A key given as a string must be in PEM format. Give a secret as a Uint8Array, and the address of a set as a URL object.",
    );
  }
  if (others.length > 0) throw new TypeError("The text has more than one PEM block. Keep only that of the key.");
  const label = /^-----BEGIN ([^-]+)-----/.exec(block)?.[1] ?? "";
  const importer = { "PUBLIC KEY": importSPKI, "PRIVATE KEY": importPKCS8, CERTIFICATE: importX509 }[label];
  if (!importer) {
    throw new TypeError(
      `A PEM block of the type ${label} is not supported. Convert a private key with: openssl pkcs8 -topk8 -nocrypt`,
    );
  }
  for (const algorithm of ["RS256", "ES256", "EdDSA"] as const) {
    // Importing it for another type of key fails.
    const key = await importer(block, algorithm, { extractable: true }).catch(() => undefined);
    if (key) return (await exportJWK(key)) as Jwk;
  }
  throw new TypeError(`The PEM block can't be read. ${SUPPORTED}.`);
}

/**
 * Parses the contents of a key file: a JWK, a set of JWKs, or a PEM block. A bare secret is not accepted, because a
 * public key in an unknown format would pass for one.
 *
 * @throws {TypeError} for anything else.
 */
export async function parseKey(text: string): Promise<Jwk | JwkSet> {
  if (text.includes("-----BEGIN ")) return await jwkOfPem(text);
  const key = parsedJson(text);
  if (typeof key !== "object" || key === null || !("kty" in key || "keys" in key)) throw notAKey();
  return key as Jwk | JwkSet;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The error would quote the key.
    throw notAKey();
  }
}

function notAKey(): TypeError {
  return new TypeError("It is neither a JWK, nor a set of JWKs, nor a key in PEM format.");
}

function malformed(cause?: unknown): never {
  throw new TypeError("The key is malformed.", { cause });
}
