/**
 * Keys, tokens and requests for tests of the gate.
 * @module
 */
import { type Context, Hono } from "hono";
import { base64url, type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { StreamError } from "../../src/protocol/errors.ts";
import { type Action, type Authorize, askGate, type Permission } from "../../src/server/gate/gate.ts";

/** A key that signs, and the JWK that verifies. */
export interface Signer {
  readonly alg: string;
  readonly key: CryptoKey | Uint8Array;
  readonly jwk: JWK;
}

/** RSA keys, which take long to create, so that all tests of a file share a few. */
const rsaKeys: ReturnType<typeof newPair>[] = [];
let rsaKeysUsed = 0;

function newPair(alg: string): Promise<{ privateKey: CryptoKey; publicKey: CryptoKey }> {
  return generateKeyPair(alg, { extractable: true });
}

/** A pair of keys of a type. Two RSA pairs in a row differ; later ones are those again. */
export function keyPair(alg: string): ReturnType<typeof newPair> {
  if (alg !== "RS256") return newPair(alg);
  const at = rsaKeysUsed++ % 2;
  rsaKeys[at] ??= newPair(alg);
  return rsaKeys[at];
}

/** Runs with a clock that is ahead. */
export async function ahead<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const { now } = Date;
  Date.now = () => now() + ms;
  try {
    return await work();
  } finally {
    Date.now = now;
  }
}

/** Creates a key of a type. */
export async function signer(alg: string, kid?: string): Promise<Signer> {
  const named = kid === undefined ? {} : { kid };
  if (alg === "HS256") {
    const key = crypto.getRandomValues(new Uint8Array(32));
    return { alg, key, jwk: { kty: "oct", k: base64url.encode(key), ...named } };
  }
  const { privateKey, publicKey } = await keyPair(alg);
  return { alg, key: privateKey, jwk: { ...(await exportJWK(publicKey)), ...named } };
}

/** Signs claims. */
export function sign({ alg, key, jwk }: Signer, claims: JWTPayload, header: object = {}): Promise<string> {
  const named = jwk.kid === undefined ? {} : { kid: jwk.kid };
  return new SignJWT(claims).setProtectedHeader({ alg, ...named, ...header }).sign(key);
}

/** Seconds since 1970, from now. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** A question to the gate. */
export interface Question {
  readonly action?: Action;
  readonly path?: string;
  /** The value of `Authorization`. */
  readonly authorization?: string;
  /** The query, without its question mark. */
  readonly query?: string;
}

/** The answer: `allowed`, or the code and message of the refusal. */
export interface Answer {
  readonly code: string;
  readonly message: string;
  readonly challenge: string | undefined;
  readonly permission: Permission | undefined;
}

type Asking = { Bindings: { asking: (c: Context) => Promise<void> } };

const app = new Hono<Asking>().get("/", async (c) => {
  await c.env.asking(c);
  return c.body(null);
});

/** Asks a gate within a real request. */
export async function ask(
  authorize: Authorize,
  { action = "read", path = "a.log", authorization, query = "" }: Question,
): Promise<Answer> {
  let answer: Answer | undefined;
  const asking = async (c: Context): Promise<void> => {
    try {
      const permission = await askGate(authorize, { action, path, c });
      if (permission instanceof Response) throw new Error("The gate answered with a response.");
      answer = { code: "allowed", message: "", challenge: undefined, permission };
    } catch (error) {
      const { code, message, headers } = StreamError.from(error);
      answer = { code, message, challenge: headers["WWW-Authenticate"], permission: undefined };
    }
  };
  const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
  await app.request(`/?${query}`, { headers }, { asking });
  if (!answer) throw new Error("The gate was not asked.");
  return answer;
}

/** Asks a gate with a token in the header. */
export function present(authorize: Authorize, token: string, question: Question = {}): Promise<Answer> {
  return ask(authorize, { authorization: `Bearer ${token}`, ...question });
}
