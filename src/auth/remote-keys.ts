/**
 * A set of keys that an identity provider publishes at a URL.
 * @module
 */

import {
  type CryptoKey,
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWKSCacheInput,
  jwksCache,
  type RemoteJWKSet,
} from "jose";
import { StreamError } from "../protocol/errors.ts";
import { algorithmNamed } from "./algorithms.ts";
import type { KeySource, TokenHeader, VerificationKey } from "./keys.ts";

/** Milliseconds after which the set is fetched again, in the background. */
const FRESH_MS = 600_000;

/** Milliseconds for which the set is used although it can't be fetched again. */
const USABLE_MS = 86_400_000;

/** Milliseconds between two fetches for tokens with an unknown key, which an attacker can send at will. */
const COOLDOWN_MS = 30_000;

/** Milliseconds without a fetch after one that failed. */
const RETRY_MS = 5_000;

/** Milliseconds after which a fetch has failed. */
const TIMEOUT_MS = 5_000;

/** Maximum bytes of a set. */
const MAX_BYTES = 1024 * 1024;

/**
 * A set at a URL. It is fetched for the first token, again in the background when it is ten minutes old, and again for
 * a token that refers to an unknown key, at most every 30 seconds. If it can't be fetched, the last one is used for a day.
 */
export class RemoteKeys implements KeySource {
  readonly #url: URL;
  readonly #report: (error: Error) => void;
  readonly #set: RemoteJWKSet;
  /** Where `jose` puts the set and the time at which it was fetched. */
  readonly #fetched: { uat?: number; jwks?: unknown } = {};
  #failedAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param report Receives each failure to fetch the set.
   * @throws {TypeError} for a URL that is neither http nor https.
   */
  constructor(url: URL, report: (error: Error) => void) {
    if (!/^https?:$/.test(url.protocol)) {
      throw new TypeError(`The URL of a set of keys must begin with https:// or http://, not ${url.protocol}`);
    }
    this.#url = url;
    this.#report = report;
    this.#set = createRemoteJWKSet(url, {
      cacheMaxAge: USABLE_MS,
      cooldownDuration: COOLDOWN_MS,
      timeoutDuration: TIMEOUT_MS,
      [jwksCache]: this.#fetched as JWKSCacheInput,
      [customFetch]: (address, init) => this.#fetch(address, init),
    });
  }

  async refresh(): Promise<unknown> {
    const { uat = 0 } = this.#fetched;
    // Each failure is reported where it occurs. An old set is used until there is a new one.
    // Without one, the first token that no other key verifies fetches it.
    if (this.#hasSet() && Date.now() - uat > FRESH_MS && this.#mayFetch()) void this.#set.reload().catch(() => {});
    return this.#hasSet() ? this.#fetched.jwks : undefined;
  }

  async keysFor({ alg, kid }: TokenHeader): Promise<VerificationKey[]> {
    const algorithm = algorithmNamed(alg);
    // A shared secret has no place in a public set.
    if (!algorithm || algorithm === "HS256") return [];
    return (await this.#matching({ alg, ...(kid === undefined ? {} : { kid }) })).map((key) => ({
      algorithm,
      kid,
      key,
    }));
  }

  async #matching(header: { alg: string; kid?: string }): Promise<CryptoKey[]> {
    try {
      return [await this.#set(header)];
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) return await allOf(error);
      // With a set, a token for a key that it lacks is refused; without one, no token can be judged.
      if (error instanceof errors.JWKSNoMatchingKey || this.#hasSet()) return [];
      throw new StreamError("overloaded", "The server can't fetch the keys that verify tokens. Try again later.", {
        cause: error,
        headers: { "Retry-After": String(RETRY_MS / 1000) },
      });
    }
  }

  #hasSet(): boolean {
    const { uat } = this.#fetched;
    return uat !== undefined && Date.now() - uat < USABLE_MS;
  }

  async #fetch(address: string, init: RequestInit): Promise<Response> {
    if (!this.#mayFetch()) throw new Error("The last attempt failed moments ago.");
    try {
      const response = await fetch(address, init);
      if (response.status === 200) return await checkedSet(response);
      await response.body?.cancel();
      throw new Error(`The server there answered ${response.status}.`);
    } catch (cause) {
      this.#failedAtMs = performance.now();
      this.#report(new Error(`The keys can't be fetched from ${this.#url.origin}${this.#url.pathname}.`, { cause }));
      throw cause;
    }
  }

  #mayFetch(): boolean {
    return performance.now() - this.#failedAtMs > RETRY_MS;
  }
}

/**
 * Reads an answer. One that is not a set of keys, is too long or never ends is a failure like any other.
 *
 * @returns A response with the same set.
 */
async function checkedSet({ body }: Response): Promise<Response> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for (const reader = body?.getReader(); reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    bytes += value.length;
    if (bytes <= MAX_BYTES) continue;
    await reader.cancel();
    throw new Error(`The server there answered with more than ${MAX_BYTES} bytes.`);
  }
  const text = await new Blob(pieces).text();
  try {
    createLocalJWKSet(JSON.parse(text));
  } catch {
    throw new Error("The server there answered with something other than a set of keys.");
  }
  return new Response(text);
}

async function allOf(keys: AsyncIterable<CryptoKey>): Promise<CryptoKey[]> {
  const all: CryptoKey[] = [];
  for await (const key of keys) all.push(key);
  return all;
}
