/**
 * Signs tokens.
 * @module
 */
import { importJWK, type JWK, SignJWT } from "jose";
import type { Grants } from "../../auth/grants.ts";
import { algorithmOf, isSecret, type Jwk } from "../../auth/keys.ts";
import { jwksOf, readKeyFile } from "../key/key-file.ts";

/** The value of `--expires` for a token without an end. */
export const NEVER = "never";

/** The content of a token, besides its permissions. */
export interface TokenOptions {
  /** The file of the key that signs it; `-` for standard input. */
  readonly key: string;
  /** Seconds from now. */
  readonly expires: number | typeof NEVER;
  readonly audience?: string;
  readonly subject?: string;
}

/**
 * Creates a token.
 *
 * @throws an error with a sentence if the key can't be used.
 */
export async function signedToken(options: TokenOptions, grants: Grants): Promise<string> {
  const { expires, audience, subject } = options;
  const jwk = await signingKey(options.key);
  const now = Math.floor(Date.now() / 1000);
  const claims = { httpfstream: grants, iat: now, ...(expires === NEVER ? {} : { exp: now + expires }) };
  const alg = algorithmOf(jwk) ?? "";
  const token = new SignJWT(claims).setProtectedHeader({ alg, typ: "JWT", ...(jwk.kid && { kid: jwk.kid }) });
  if (audience !== undefined) token.setAudience(audience);
  if (subject !== undefined) token.setSubject(subject);
  return await token.sign(await importJWK(jwk as JWK, alg));
}

/** The first key in a file that can sign. */
async function signingKey(file: string): Promise<Jwk> {
  const jwks = jwksOf(await readKeyFile(file)).filter((jwk) => algorithmOf(jwk) !== undefined);
  const jwk = jwks.find(isSecret);
  if (jwk) return jwk;
  const name = file === "-" ? "standard input" : file;
  throw new Error(`The key in ${name} is public, and can't sign. Give the private key that it belongs to.`);
}
