/**
 * The keys of subscriptions: an Ed25519 key that signs webhooks, and a secret that the tokens of wakes are made with.
 * @module
 */

/** The public half of the signing key, as a JSON Web Key. */
export interface PublicKey {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly kid: string;
  readonly use: "sig";
  readonly alg: "EdDSA";
  readonly x: string;
}

/** What a token stands for. */
export interface TokenClaims {
  readonly root: string;
  readonly id: string;
  readonly nonce: string;
  readonly generation: number;
}

/** The keys as they are stored. */
interface StoredKeys {
  readonly signing: JsonWebKey;
  readonly tokens: string;
}

const SIGNATURE = { name: "Ed25519" };
const MAC = { name: "HMAC", hash: "SHA-256" };

/** Bytes of the secret of the tokens. */
const SECRET_BYTES = 32;

const encoder = new TextEncoder();

/** Signs webhooks, and makes and checks tokens. */
export class SigningKeys {
  /** The public half of the signing key. */
  readonly publicKey: PublicKey;
  readonly #signing: CryptoKey;
  readonly #tokens: CryptoKey;

  private constructor(publicKey: PublicKey, signing: CryptoKey, tokens: CryptoKey) {
    this.publicKey = publicKey;
    this.#signing = signing;
    this.#tokens = tokens;
  }

  /** Creates keys, as a text that {@link open} reads. */
  static async create(): Promise<string> {
    const { privateKey } = (await crypto.subtle.generateKey(SIGNATURE, true, ["sign", "verify"])) as CryptoKeyPair;
    const { kty, crv, x, d } = await crypto.subtle.exportKey("jwk", privateKey);
    const tokens = base64url(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
    return JSON.stringify({ signing: { kty, crv, x, d }, tokens });
  }

  /**
   * Opens keys.
   *
   * @throws {TypeError} for a text that {@link create} has not returned.
   */
  static async open(text: string): Promise<SigningKeys> {
    try {
      const { signing, tokens } = JSON.parse(text) as StoredKeys;
      const { x = "" } = signing;
      // The thumbprint of RFC 7638: the members in this order, without white space.
      const thumbprint = await crypto.subtle.digest(
        "SHA-256",
        encoder.encode(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`),
      );
      const kid = `ds_${base64url(new Uint8Array(thumbprint))}`;
      const publicKey: PublicKey = { kty: "OKP", crv: "Ed25519", kid, use: "sig", alg: "EdDSA", x };
      const key = await crypto.subtle.importKey("jwk", { ...signing, key_ops: ["sign"] }, SIGNATURE, false, ["sign"]);
      const secret = await crypto.subtle.importKey("raw", bytesOf(tokens), MAC, false, ["sign", "verify"]);
      return new SigningKeys(publicKey, key, secret);
    } catch (error) {
      throw new TypeError(
        "The key that signs webhooks can't be read. Remove its file, and the server creates a new key.",
        {
          cause: error,
        },
      );
    }
  }

  /**
   * The value of the header `Webhook-Signature` for a body.
   *
   * @param timeSeconds When it is sent, in seconds since 1970.
   */
  async sign(body: string, timeSeconds: number): Promise<string> {
    const signature = await crypto.subtle.sign(SIGNATURE, this.#signing, encoder.encode(`${timeSeconds}.${body}`));
    return `t=${timeSeconds},kid=${this.publicKey.kid},ed25519=${base64url(new Uint8Array(signature))}`;
  }

  /** The token of a wake. It is the same for each delivery of it. */
  async token(claims: TokenClaims): Promise<string> {
    const mac = await crypto.subtle.sign(MAC, this.#tokens, textOf(claims));
    return `${claims.generation}.${claims.nonce}.${base64url(new Uint8Array(mac))}`;
  }

  /** The content of a token, if it is valid for a subscription of this name; undefined if not. */
  async claimsOf(root: string, id: string, token: string): Promise<TokenClaims | undefined> {
    const [, generation, nonce = "", mac = ""] = /^(\d{1,15})\.([\w-]{1,64})\.([\w-]{43})$/.exec(token) ?? [];
    if (generation === undefined) return undefined;
    const claims = { root, id, nonce, generation: Number(generation) };
    return (await crypto.subtle.verify(MAC, this.#tokens, bytesOf(mac), textOf(claims))) ? claims : undefined;
  }
}

function textOf({ root, id, nonce, generation }: TokenClaims): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify([root, id, nonce, generation])) as Uint8Array<ArrayBuffer>;
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0)) as Uint8Array<ArrayBuffer>;
}
