/**
 * All keys that a server accepts, wherever they come from.
 * @module
 */

import { callUser } from "../support/callback.ts";
import { algorithmNamed } from "./algorithms.ts";
import { type Key, type KeySource, type TokenHeader, type VerificationKey, verificationKeys } from "./keys.ts";
import { RemoteKeys } from "./remote-keys.ts";

/**
 * Keys, or where they come from. A URL is that of a set of keys (JWKS), which is fetched, cached and fetched again when it
 * changes. A function is called for every request: it returns the same value until the keys have changed.
 */
export type Keys = Key | URL | (() => Key | Promise<Key>);

/** The keys of all sources. */
export class KeyRing {
  readonly #sources: readonly KeySource[];
  #versions: readonly unknown[] = [];
  #epoch = 0;

  /**
   * @param report Receives each failure to obtain keys.
   * @throws {TypeError} for something that is not {@link Keys}, or for an empty list.
   */
  constructor(keys: Keys | readonly Keys[], report: (error: Error) => void) {
    const list: readonly Keys[] = isList(keys) ? keys : [keys];
    if (list.length === 0) throw new TypeError('The option "keys" of jwt() is empty; it must have at least one key.');
    const sources = list.map((each) => sourceOf(each, report));
    const isRemote = (source: KeySource): boolean => source instanceof RemoteKeys;
    this.#sources = [...sources.filter((source) => !isRemote(source)), ...sources.filter(isRemote)];
  }

  /** Brings all keys up to date. Resolves to another number than before if keys may have been removed. */
  async refresh(): Promise<number> {
    const versions = await Promise.all(this.#sources.map((source) => source.refresh()));
    if (versions.some((version, index) => version !== this.#versions[index])) this.#epoch++;
    this.#versions = versions;
    return this.#epoch;
  }

  /**
   * Yields the keys that a token with this header may be signed with. Keys that this process has come first, so that a
   * token of theirs waits for no other source.
   *
   * @throws the failure of a source, after the keys of all others: then it is unknown whether the token is valid.
   */
  async *keysFor(header: TokenHeader): AsyncGenerator<VerificationKey, void, void> {
    let failure: { error: unknown } | undefined;
    for (const source of this.#sources) {
      try {
        yield* await source.keysFor(header);
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure) throw failure.error;
  }
}

/** Keys that this process has, or that a function of its own returns. */
class LocalKeys implements KeySource {
  readonly #current: () => Key | Promise<Key>;
  readonly #report: (error: Error) => void;
  /**
   * The last result; empty before the first one, and after a failure. The function may return anything, even
   * `undefined`.
   */
  #last: readonly [] | readonly [key: Key] = [];
  #prepared: Promise<readonly VerificationKey[]> = Promise.resolve([]);
  /** The message of the failure that was reported last, until there are keys again. */
  #reported: string | undefined;

  constructor(current: () => Key | Promise<Key>, report: (error: Error) => void) {
    this.#current = current;
    this.#report = report;
  }

  async refresh(): Promise<unknown> {
    let key: Key;
    try {
      key = await this.#current();
    } catch (error) {
      this.#last = [];
      this.#prepare(Promise.reject(error));
      return undefined;
    }
    if (this.#last.length > 0 && key === this.#last[0]) return key;
    this.#last = [key];
    this.#prepare(verificationKeys(key));
    return key;
  }

  /** Each token that no other key verifies fails with the error, which is reported only once, and also if there is no token. */
  #prepare(prepared: Promise<readonly VerificationKey[]>): void {
    this.#prepared = prepared;
    prepared.then(
      () => {
        this.#reported = undefined;
      },
      (thrown: unknown) => {
        const error = thrown instanceof Error ? thrown : new Error(`The keys can't be read: ${String(thrown)}.`);
        if (error.message === this.#reported) return;
        this.#reported = error.message;
        callUser("onError", this.#report, error);
      },
    );
  }

  async keysFor({ alg, kid }: TokenHeader): Promise<VerificationKey[]> {
    const keys = await this.#prepared;
    return keys.filter(({ algorithm, kid: own }) => {
      return algorithm === algorithmNamed(alg) && (own === undefined || kid === undefined || own === kid);
    });
  }
}

function sourceOf(keys: Keys, report: (error: Error) => void): KeySource {
  if (keys instanceof URL) return new RemoteKeys(keys, report);
  if (typeof keys === "function") return new LocalKeys(keys, report);
  if (typeof keys !== "string" && (typeof keys !== "object" || keys === null)) {
    throw new TypeError(
      'The option "keys" of jwt() must be a JWK, a set of JWKs, a key in PEM format, a Uint8Array, a URL or a function.',
    );
  }
  const source = new LocalKeys(() => keys, report);
  // Prepared now, so that a bad key is reported when the server starts, and not with the first token.
  void source.refresh();
  return source;
}

function isList(keys: Keys | readonly Keys[]): keys is readonly Keys[] {
  return Array.isArray(keys);
}
