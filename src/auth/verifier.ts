/**
 * Verifies tokens, and remembers those that are valid.
 * @module
 */

import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import { algorithmNamed } from "./algorithms.ts";
import { type Grants, Rights } from "./grants.ts";
import type { KeyRing } from "./key-ring.ts";
import type { TokenHeader } from "./keys.ts";

/** Maximum characters of a token. */
const MAX_CHARACTERS = 16 * 1024;

/** Seconds by which the clocks of the issuer and of this machine may differ. */
export const LEEWAY_S = 5;

/** Maximum number of tokens that are remembered. */
const MAX_REMEMBERED = 1000;

/** The claims of a token. */
export interface Claims {
  /** The subject: whom the token is about. */
  readonly sub?: string | undefined;
  /** The audience. */
  readonly aud?: string | string[] | undefined;
  /** When it expires, in seconds since 1970. */
  readonly exp?: number | undefined;
  /** Any other claim. */
  readonly [claim: string]: unknown;
}

/** The requirements for a token, apart from its signature. */
export interface Expectations {
  readonly audience: string | readonly string[] | undefined;
  readonly issuer: string | readonly string[] | undefined;
  /** Derives the permissions from the claims. Undefined: they are in the claim `httpfstream`. */
  readonly grants: ((claims: Claims) => Grants | undefined) | undefined;
}

/** The content of a valid token. */
export interface Verified {
  readonly rights: Rights;
  /** When it expires, including the leeway, in milliseconds since 1970; infinity for never. */
  readonly expiresAtMs: number;
}

/** Thrown for a token that is not valid. The message is a fixed text that does not quote the token. */
export class InvalidToken extends Error {
  override readonly name = "InvalidToken";
}

/** Verifies tokens. The signature of a valid token is verified once, as long as the keys do not change. */
export class Verifier {
  readonly #keys: KeyRing;
  readonly #expected: Expectations;
  /**
   * By token; the oldest come first. A map compares two strings only if the hashes of all their characters are equal. So the
   * time of a lookup says nothing about a part of a token that is remembered.
   */
  readonly #valid = new Map<string, Verified>();
  /** Verifications in progress: many connections may begin with the same token at once. */
  readonly #pending = new Map<string, Promise<Verified>>();
  #epoch = 0;

  constructor(keys: KeyRing, expected: Expectations) {
    this.#keys = keys;
    this.#expected = expected;
  }

  /**
   * Verifies a token.
   *
   * @throws {InvalidToken} if it is not valid.
   * @throws {StreamError} `overloaded` if the keys can't be fetched.
   */
  async verify(token: string): Promise<Verified> {
    if (token.length > MAX_CHARACTERS) throw new InvalidToken("The token has more than 16 KiB.");
    const epoch = await this.#keys.refresh();
    if (epoch !== this.#epoch) this.#forget();
    this.#epoch = epoch;
    const known = this.#valid.get(token);
    if (known && known.expiresAtMs > Date.now()) return known;
    this.#valid.delete(token);
    return await (this.#pending.get(token) ?? this.#begin(token));
  }

  async #begin(token: string): Promise<Verified> {
    const epoch = this.#epoch;
    const pending = this.#verifyAnew(token);
    this.#pending.set(token, pending);
    try {
      const verified = await pending;
      // The keys may have changed meanwhile.
      if (epoch === this.#epoch) this.#remember(token, verified);
      return verified;
    } finally {
      if (this.#pending.get(token) === pending) this.#pending.delete(token);
    }
  }

  #forget(): void {
    this.#valid.clear();
    this.#pending.clear();
  }

  #remember(token: string, verified: Verified): void {
    const [oldest] = this.#valid.keys();
    if (this.#valid.size >= MAX_REMEMBERED && oldest !== undefined) this.#valid.delete(oldest);
    this.#valid.set(token, verified);
  }

  async #verifyAnew(token: string): Promise<Verified> {
    const claims = await this.#signedClaims(token);
    const { audience, grants } = this.#expected;
    // RFC 7519: an audience that the server does not identify itself with must not be ignored.
    if (audience === undefined && claims.aud !== undefined)
      throw new InvalidToken("The token is for another audience.");
    const { exp } = claims;
    const granted = grants ? grantedBy(grants, claims) : claims["httpfstream"];
    return {
      rights: rightsOf(granted ?? {}),
      expiresAtMs: exp === undefined ? Number.POSITIVE_INFINITY : (exp + LEEWAY_S) * 1000,
    };
  }

  /** The claims of a token with a valid signature, whose dates, audience and issuer are right. */
  async #signedClaims(token: string): Promise<Claims> {
    const header = headerOf(token);
    const { audience, issuer } = this.#expected;
    let reason: unknown;
    for await (const { key } of this.#keys.keysFor(header)) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [header.alg],
          clockTolerance: LEEWAY_S,
          currentDate: new Date(Date.now()),
          ...(audience === undefined ? {} : { audience: listOf(audience) }),
          ...(issuer === undefined ? {} : { issuer: listOf(issuer) }),
        });
        return payload;
      } catch (error) {
        reason = error;
        // Another key may have signed it.
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) break;
      }
    }
    if (reason === undefined) throw new InvalidToken("No key of this server has signed the token.");
    throw new InvalidToken(reasonOf(reason), { cause: reason });
  }
}

/** The part of a token's header that chooses the key. Nothing in it is trusted before the signature is verified. */
function headerOf(token: string): TokenHeader {
  let header: { alg?: unknown; kid?: unknown; crit?: unknown };
  try {
    header = decodeProtectedHeader(token);
  } catch (cause) {
    throw new InvalidToken("The token is malformed.", { cause });
  }
  const { alg, kid, crit } = header;
  if (typeof alg !== "string" || algorithmNamed(alg) === undefined) {
    throw new InvalidToken("The algorithm of the token is not supported.");
  }
  if (crit !== undefined) throw new InvalidToken("The token requires an extension that is not supported.");
  if (kid !== undefined && typeof kid !== "string") throw new InvalidToken("The token is malformed.");
  return { alg, kid };
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "The token has expired.";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "The signature of the token is not valid.";
  if (!(error instanceof errors.JWTClaimValidationFailed) || error.reason === "invalid")
    return "The token is malformed.";
  const { claim } = error;
  if (claim === "aud") return "The token is for another audience.";
  if (claim === "iss") return "The token is from another issuer.";
  return claim === "nbf" ? "The token is not valid yet." : "The token is malformed.";
}

/**
 * The permissions that the function of the app grants for these claims.
 *
 * @throws {TypeError} if it returns no permissions: the app has a fault, and not the token.
 */
function grantedBy(grants: NonNullable<Expectations["grants"]>, claims: Claims): unknown {
  const granted: unknown = grants(claims);
  if (isThenable(granted)) {
    // Its rejection would end the process.
    granted.then(undefined, () => {});
    throw new TypeError(
      'The option "grants" of jwt() returned a promise; it can\'t be async. Write a gate of your own that looks the permissions up: the option "authorize" may be async.',
    );
  }
  if (granted === undefined || granted === null || typeof granted === "object") return granted;
  throw new TypeError(`The option "grants" of jwt() must return permissions or undefined, not a ${typeof granted}.`);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function rightsOf(granted: unknown): Rights {
  try {
    return new Rights(granted);
  } catch (cause) {
    throw new InvalidToken("The permissions in the token are malformed.", { cause });
  }
}

function listOf(value: string | readonly string[]): string[] {
  return typeof value === "string" ? [value] : [...value];
}
